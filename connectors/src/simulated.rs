//! The server half for those who host it: what a database or a folder of the simulated city is asked and told.

use crate::connector::{Connector, Handler};
use crate::context::ServerContext;
use crate::mapping::template::Template;
use crate::news::{News, NewsSource};
use crate::plan::Transport;
use crate::{batch, exchange, news};
use hub_core::transport::{FileLook, FileWrite, SqlRequest, SqlRow, SqlSelect, SqlTable};
use hub_core::{Outgoing, Returned};

impl Connector {
    /// Answers whatever a step sends as the system would, without any listener, database or folder.
    #[must_use]
    pub fn exchange(&self, outgoing: &Outgoing, context: &ServerContext<'_>, handler: &mut Handler<'_>) -> Returned {
        match outgoing {
            Outgoing::Http(request) => Returned::Http(self.serve(request, context, handler)),
            Outgoing::Sql(request) => Returned::Sql(exchange::serve(self, request, context, handler)),
            Outgoing::File(request) => Returned::File(batch::serve(self, request, context, handler)),
        }
    }

    /// The tables of its front-end database; none where it has no such.
    #[must_use]
    pub fn tables(&self) -> Vec<SqlTable> {
        exchange::schema(self)
    }

    /// The rows that wait for the agency.
    #[must_use]
    pub fn waiting(&self) -> Vec<SqlSelect> {
        exchange::waiting(self)
    }

    /// The lists that belong to a waiting row.
    #[must_use]
    pub fn lists_of(&self, table: &str, row: &SqlRow) -> Vec<SqlSelect> {
        exchange::lists(self, table, row)
    }

    /// What the agency writes about a waiting row.
    #[must_use]
    pub fn take_row(
        &self,
        table: &str,
        row: &SqlRow,
        lists: &[Vec<SqlRow>],
        context: &ServerContext<'_>,
        handler: &mut Handler<'_>,
    ) -> SqlRequest {
        exchange::take(self, table, row, lists, context, handler)
    }

    /// The files that the agency publishes.
    #[must_use]
    pub fn published(&self, context: &ServerContext<'_>, handler: &mut Handler<'_>) -> Vec<FileWrite> {
        batch::published(self, context, handler)
    }

    /// Whether it is reached by files of a drop folder.
    #[must_use]
    pub fn drops_files(&self) -> bool {
        self.plans
            .values()
            .any(|plan| matches!(plan.transport, Transport::File(_)))
    }

    /// Where files of requests appear.
    #[must_use]
    pub fn request_files(&self) -> Vec<FileLook> {
        batch::requests(self)
    }

    /// What the agency writes about a file of a request.
    #[must_use]
    pub fn take_file(
        &self,
        path: &str,
        bytes: &[u8],
        context: &ServerContext<'_>,
        handler: &mut Handler<'_>,
    ) -> Vec<FileWrite> {
        batch::take(self, path, bytes, context, handler)
    }

    /// Milliseconds between two looks for news, where the system tells any by rows or files.
    #[must_use]
    pub fn news_every_ms(&self) -> Option<u64> {
        self.news.as_ref().map(|n| n.every_ms)
    }

    /// The next look for news. `after`: where the last one ended.
    #[must_use]
    pub fn ask_news(&self, after: Option<&str>, context: &ServerContext<'_>) -> Option<Outgoing> {
        let rules = self.news.as_ref()?;
        let mut asked = news::ask(rules, after, rules.login(context));
        if let (NewsSource::Files(batch), Outgoing::File(request)) = (&rules.source, &mut asked) {
            let known = |template: &Template| crate::server::credential(template, context, None).ok_or(());
            request.login = batch.entry.login(known).unwrap_or_default();
        }
        Some(asked)
    }

    /// What a look for news found.
    #[must_use]
    pub fn read_news(&self, returned: &Returned, after: Option<&str>, context: &ServerContext<'_>) -> News {
        match &self.news {
            Some(rules) => {
                let login = rules.login(context);
                news::read(rules, self.wiring.charset, returned, after, login, context.now)
            }
            None => News::default(),
        }
    }
}
