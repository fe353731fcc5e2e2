//! Pages of problem types, and the page for what does not exist.

use super::{Choice, Frame};
use askama::Template;
use hub_core::{Fault, ProblemCode};

struct Row {
    code: &'static str,
    status: u16,
    title: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: &'a Frame,
    code: &'a str,
    title: String,
    other_title: String,
    status: u16,
    who: &'a str,
    fix: String,
    all: Vec<Row>,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage<'a> {
    frame: &'a Frame,
    title: &'a str,
    detail: &'a str,
    near: Vec<Choice>,
}

/// The page of one problem type; `None` if there is no such code.
///
/// # Errors
/// If the template fails.
pub fn problem(frame: &Frame, code: &str) -> Option<askama::Result<String>> {
    let code = ProblemCode::ALL.iter().find(|c| c.as_str() == code)?;
    let title = code.title();
    let page = ProblemPage {
        code: code.as_str(),
        other_title: if frame.zh() { title.en.clone() } else { title.zh.clone() },
        title: frame.of(&title),
        status: code.status(),
        who: match code.fault() {
            Fault::You => frame.t("调用方", "The caller"),
            Fault::Agency => frame.t("服务所属部门", "The agency behind the service"),
            Fault::Hub => frame.t("枢纽管理员", "The hub's operator"),
        },
        fix: frame.of(&code.fix()),
        all: ProblemCode::ALL
            .iter()
            .map(|c| Row {
                code: c.as_str(),
                status: c.status(),
                title: frame.of(&c.title()),
            })
            .collect(),
        frame,
    };
    Some(page.render())
}

/// The page for what does not exist, with the nearest services.
///
/// # Errors
/// If the template fails.
pub fn missing(frame: &Frame, near: Vec<Choice>) -> askama::Result<String> {
    MissingPage {
        title: frame.t("没有这个页面", "There is no such page"),
        detail: frame.t(
            "地址可能写错了，或者服务已经更名。",
            "The address may be misspelt, or the service has a new name.",
        ),
        near,
        frame,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_in_both_languages() {
        for code in ProblemCode::ALL {
            for (accept, words) in [("zh", code.fix().zh), ("en", code.fix().en)] {
                let page = problem(&Frame::new("/problems/x", &[], accept), code.as_str())
                    .unwrap()
                    .unwrap();
                // Quotes and the like are escaped in HTML, so compare up to the first of them.
                let start: String = words.chars().take_while(|c| !"'\"&<>".contains(*c)).collect();
                assert!(page.contains(&start), "{code:?} {accept}");
            }
        }
        assert!(problem(&Frame::new("/", &[], ""), "no-such").is_none());
    }
}
