//! Versions from upload to their end, over a real store.

use hub_catalog::lint::RuleSet;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use hub_registry::{Asked, Desk, Member, NOTICE, RegistryError, Role, Shown, State, Step, Upload, UsageRow};
use hub_store::Store;
use std::sync::Arc;
use tempfile::TempDir;

/// No folder of specs stands beside these desks.
fn nowhere(_: &SystemId, _: u32) -> bool {
    false
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A rule that a description breaks by its title alone, so that tests say what is found.
const RULES: &str = "family: structure
rules:
  no-bad-title:
    level: must
    since: '2026-11-01'
    ground: law
    because: {zh: 测试, en: A test}
    given: $.info
    then: {field: title, function: pattern, functionOptions: {notMatch: bad}}
    title: {zh: 标题不好, en: The title is bad}
    why: {zh: 因为, en: because}
    fix: {zh: 改, en: change it}
    good: 'info: {title: fine}'
    bad: 'info: {title: bad}'
";

struct Office {
    _folder: TempDir,
    store: Store,
    desk: Desk,
    operator: Member,
    clerk: Member,
    owner: Member,
    reviewer: Member,
}

fn rules() -> RuleSet {
    let files = std::collections::BTreeMap::from([("rules.yaml".to_owned(), RULES.as_bytes().to_vec())]);
    RuleSet::read(&files).unwrap()
}

async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let desk = Desk::load(store.clone(), rules()).await.unwrap();
    let operator = Member::operator();
    desk.put_agency(&operator, "demo", "示范局", "Model office", at(0))
        .await
        .unwrap();
    let let_in = async |agency, role| {
        desk.invite(&operator, agency, "某人", role, at(0))
            .await
            .unwrap()
            .member
    };
    Office {
        clerk: let_in(Some("demo"), Role::Clerk).await,
        owner: let_in(Some("demo"), Role::Owner).await,
        reviewer: let_in(None, Role::Reviewer).await,
        _folder: folder,
        store,
        desk,
        operator,
    }
}

fn text(number: &str, title: &str, field: &str) -> Vec<u8> {
    format!(
        "openapi: 3.1.0\ninfo: {{title: {title}, version: {number}}}\nservers: [{{url: 'https://title.example/api'}}]\n\
         paths:\n  /titles/{{no}}:\n    get:\n      operationId: getTitle\n      parameters: [{{name: no, in: path, required: true, schema: {{type: string}}}}]\n\
         \x20     responses:\n        '200': {{description: ok, content: {{application/json: {{schema: {{type: object, required: [{field}], \
         properties: {{{field}: {{type: string}}}}}}}}}}}}\n"
    )
    .into_bytes()
}

impl Office {
    async fn upload(&self, number: &str, title: &str, field: &str, second: i64) -> Result<Arc<Shown>, RegistryError> {
        let upload = Upload {
            agency: "demo".into(),
            system: Some("title".into()),
            file: "权籍查询.yaml".into(),
            bytes: text(number, title, field),
            publish: true,
            ..Upload::default()
        };
        self.desk.upload(&self.clerk, upload, &nowhere, at(second)).await
    }

    async fn step(&self, by: &Member, id: &str, step: Step, second: i64) -> Result<(), RegistryError> {
        let asked = Asked {
            why: "有理由".into(),
            sunset: at(second).checked_add(NOTICE).ok(),
            ..Asked::step(step)
        };
        let plan = self.desk.plan(by, id, &asked, at(second)).await?;
        self.desk.commit(plan).await
    }

    /// Uploads a version and takes it live.
    async fn live(&self, number: &str, field: &str, second: i64) -> String {
        let id = self
            .upload(number, "Titles", field, second)
            .await
            .unwrap()
            .row
            .id
            .clone();
        self.step(&self.clerk, &id, Step::Ask, second + 1).await.unwrap();
        self.step(&self.reviewer, &id, Step::Approve, second + 2).await.unwrap();
        id
    }

    fn called(&self, second: i64) -> Vec<(String, String)> {
        let all = self.desk.shelf().published(at(second), &|_: &SystemId| false);
        all.into_iter().map(|p| (p.system.to_string(), p.version)).collect()
    }

    async fn state(&self, id: &str) -> State {
        State::from_word(&self.desk.version(id).await.unwrap().state).unwrap()
    }
}

#[tokio::test]
async fn an_upload_is_shown_at_once_whatever_the_rules_say_and_findings_block_live_only() {
    let office = office().await;
    let shown = office.upload("1.0.0", "bad", "no", 1).await.unwrap();
    assert_eq!(
        (shown.state(), shown.path().as_str()),
        (State::Sandbox, "/demo/title/v1")
    );
    let refused = office
        .step(&office.clerk, &shown.row.id, Step::Ask, 2)
        .await
        .unwrap_err();
    let RegistryError::NotReady(hindrances) = refused else {
        panic!("{refused}")
    };
    assert_eq!(hindrances.findings[0].code, "no-bad-title");
    assert_eq!(
        (hindrances.findings[0].file.as_str(), hindrances.findings[0].line),
        ("权籍查询.yaml", 2)
    );
    let better = office.upload("1.0.0", "Titles", "no", 3).await.unwrap();
    assert_eq!(
        office.state(&shown.row.id).await,
        State::Retired,
        "the same number gives way"
    );
    office.step(&office.clerk, &better.row.id, Step::Ask, 4).await.unwrap();
    assert_eq!(office.state(&better.row.id).await, State::InReview);
    assert!(office.called(5).is_empty());
}

#[tokio::test]
async fn the_same_file_again_is_the_same_version() {
    let office = office().await;
    let first = office.upload("1.0.0", "Titles", "no", 1).await.unwrap();
    let again = office.upload("1.0.0", "Titles", "no", 2).await.unwrap();
    assert_eq!(first.row.id, again.row.id);
    office.step(&office.clerk, &first.row.id, Step::Ask, 3).await.unwrap();
    let other = office.upload("1.0.0", "Titles of land", "no", 4).await.unwrap_err();
    assert!(
        matches!(
            other,
            RegistryError::Taken {
                state: State::InReview,
                ..
            }
        ),
        "{other}"
    );
}

#[tokio::test]
async fn nothing_goes_live_by_one_person_alone() {
    let office = office().await;
    let id = office.upload("1.0.0", "Titles", "no", 1).await.unwrap().row.id.clone();
    for nobody in [&office.reviewer, &office.operator] {
        let refused = office.step(nobody, &id, Step::Ask, 2).await.unwrap_err();
        assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    }
    office.step(&office.clerk, &id, Step::Ask, 2).await.unwrap();
    for nobody in [&office.clerk, &office.owner, &office.operator] {
        let refused = office.step(nobody, &id, Step::Approve, 3).await.unwrap_err();
        assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    }
    // One who changed sides does not decide about their own.
    let same = Member {
        id: office.clerk.id.clone(),
        ..office.reviewer.clone()
    };
    let refused = office.step(&same, &id, Step::Approve, 3).await.unwrap_err();
    assert!(matches!(refused, RegistryError::SecondPerson), "{refused}");
    office.step(&office.reviewer, &id, Step::Approve, 4).await.unwrap();
    assert_eq!(office.called(5), [("demo/title".to_owned(), id.clone())]);
    let acts: Vec<String> = office
        .desk
        .history(&id)
        .await
        .unwrap()
        .into_iter()
        .map(|a| a.act)
        .collect();
    assert_eq!(acts, ["uploaded", "ask", "approve"]);
}

#[tokio::test]
async fn what_breaks_needs_a_second_person_of_the_agency_or_a_new_major() {
    let office = office().await;
    let first = office.live("1.0.0", "no", 1).await;
    let next = office
        .upload("1.1.0", "Titles", "name", 10)
        .await
        .unwrap()
        .row
        .id
        .clone();
    let RegistryError::NotReady(hindrances) = office.step(&office.clerk, &next, Step::Ask, 11).await.unwrap_err()
    else {
        panic!("it breaks")
    };
    assert!(hindrances.breaks.as_ref().unwrap().breaking() && hindrances.findings.is_empty());
    let refused = office
        .step(&office.clerk, &next, Step::AllowBreak, 12)
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    office.step(&office.owner, &next, Step::AllowBreak, 12).await.unwrap();
    office.step(&office.clerk, &next, Step::Ask, 13).await.unwrap();
    office.step(&office.reviewer, &next, Step::Approve, 14).await.unwrap();
    assert_eq!(office.called(15), [("demo/title".to_owned(), next.clone())]);
    assert_eq!(office.state(&first).await, State::Retired);

    let second = office.live("2.0.0", "owner", 20).await;
    let beside = [
        ("demo/title.v1".to_owned(), next.clone()),
        ("demo/title".to_owned(), second),
    ];
    assert_eq!(office.called(30), beside, "versions of two majors stand side by side");

    office.step(&office.owner, &first, Step::RollBack, 40).await.unwrap();
    assert!(
        office.called(41).contains(&("demo/title.v1".to_owned(), first)),
        "back to what was replaced"
    );
    assert_eq!(office.state(&next).await, State::Retired);
}

#[tokio::test]
async fn an_end_is_announced_long_before_it_comes() {
    let office = office().await;
    let id = office.live("1.0.0", "no", 1).await;
    let refused = office.step(&office.owner, &id, Step::Retire, 5).await.unwrap_err();
    assert!(matches!(refused, RegistryError::TooEarly), "{refused}");
    let soon = Asked {
        why: "停用".into(),
        sunset: Some(at(100)),
        ..Asked::step(Step::Deprecate)
    };
    let refused = office.desk.plan(&office.owner, &id, &soon, at(6)).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::Value { field: "sunset", .. }),
        "{refused}"
    );
    office.step(&office.owner, &id, Step::Deprecate, 7).await.unwrap();
    let over = 7 + i64::try_from(NOTICE.as_secs()).unwrap();
    assert_eq!(office.called(over - 1).len(), 1);
    assert!(office.called(over).is_empty(), "nothing is called after its end");
    office.step(&office.owner, &id, Step::Retire, over).await.unwrap();
    assert_eq!(office.state(&id).await, State::Retired);
    let refused = office
        .step(&office.owner, &id, Step::RollBack, over + 1)
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NeverReplaced), "{refused}");
}

#[tokio::test]
async fn an_agency_is_taken_in_suspended_and_sees_its_own_only() {
    let office = office().await;
    let asked = office
        .desk
        .ask_in("water", "水务局", "Water office", at(1))
        .await
        .unwrap();
    let upload = |agency: &str| Upload {
        agency: agency.into(),
        file: "a.yaml".into(),
        bytes: text("1.0.0", "水费", "no"),
        publish: true,
        ..Upload::default()
    };
    let member = office.desk.member(&asked.token).unwrap();
    let refused = office
        .desk
        .upload(&member, upload("water"), &nowhere, at(2))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotApproved(_)), "{refused}");
    let refused = office
        .desk
        .judge_agency(&office.clerk, "water", true, "", at(2))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    office
        .desk
        .judge_agency(&office.operator, "water", true, "", at(3))
        .await
        .unwrap();
    let shown = office
        .desk
        .upload(&member, upload("water"), &nowhere, at(4))
        .await
        .unwrap();
    assert_eq!(
        shown.path(),
        "/water/shui-fei/v1",
        "a name for addresses from the title"
    );
    let refused = office
        .desk
        .upload(&member, upload("demo"), &nowhere, at(4))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    let refused = office
        .step(&office.owner, &shown.row.id, Step::Ask, 5)
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");

    let id = office.live("1.0.0", "no", 10).await;
    office
        .desk
        .judge_agency(&office.operator, "demo", false, "泄露数据", at(20))
        .await
        .unwrap();
    assert!(
        office.called(21).is_empty(),
        "a suspended agency's services are not called"
    );
    let refused = office.step(&office.owner, &id, Step::Deprecate, 22).await.unwrap_err();
    assert!(matches!(refused, RegistryError::NotApproved(_)), "{refused}");
    office
        .desk
        .judge_agency(&office.operator, "demo", true, "", at(23))
        .await
        .unwrap();
    let given = Asked {
        to: Some("water".into()),
        ..Asked::step(Step::Transfer)
    };
    let plan = office.desk.plan(&office.owner, &id, &given, at(24)).await.unwrap();
    office.desk.commit(plan).await.unwrap();
    assert_eq!(office.desk.version(&id).await.unwrap().owner, "water");
    let refused = office.step(&office.owner, &id, Step::Deprecate, 25).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::NotTheirs),
        "it is another's now: {refused}"
    );
    office.step(&member, &id, Step::Deprecate, 26).await.unwrap();
    office.desk.dismiss(&member, &member.id, "离职", at(30)).await.unwrap();
    assert!(
        office.desk.member(&asked.token).is_none(),
        "a dismissed person's token is dead at once"
    );
}

#[tokio::test]
async fn two_who_change_one_version_do_not_both_succeed_and_another_hub_sees_what_was_done() {
    let office = office().await;
    let id = office.upload("1.0.0", "Titles", "no", 1).await.unwrap().row.id.clone();
    let other = Desk::load(office.store.clone(), rules()).await.unwrap();
    let ask = Asked::step(Step::Ask);
    let first = office.desk.plan(&office.clerk, &id, &ask, at(2)).await.unwrap();
    let second = other.plan(&office.owner, &id, &ask, at(2)).await.unwrap();
    office.desk.commit(first).await.unwrap();
    let refused = other.commit(second).await.unwrap_err();
    assert!(matches!(refused, RegistryError::Moved), "{refused}");
    assert!(other.refresh().await.unwrap());
    assert_eq!(other.shelf().get(&id).unwrap().state(), State::InReview);
    assert!(!other.refresh().await.unwrap(), "nothing was done since");
}

#[tokio::test]
async fn owners_of_clients_are_told_once_of_each_when_it_is_due() {
    let office = office().await;
    let id = office.live("1.0.0", "no", 1).await;
    let used = |operation: &str, client: &str| UsageRow {
        operation: operation.into(),
        client: client.into(),
        calls: 3,
        last_used: at(9),
    };
    let rows = [
        used("demo.title.getTitle", "cli_1"),
        used("demo.other.getTitle", "cli_2"),
    ];
    office.store.disclosures().keep(&[], &rows, "trail", "1").await.unwrap();
    assert_eq!(office.desk.tell(at(10)).await.unwrap(), 0, "nothing is coming");
    office.step(&office.owner, &id, Step::Deprecate, 11).await.unwrap();
    let end = 11 + i64::try_from(NOTICE.as_secs()).unwrap();
    let day = 24 * 3600;
    for (second, kind) in [(12, "deprecated"), (end - 30 * day, "30"), (end - 7 * day, "7")] {
        let due = if kind == "deprecated" { 2 } else { 1 };
        assert_eq!(office.desk.tell(at(second)).await.unwrap(), due, "{kind}");
        assert_eq!(office.desk.tell(at(second + 1)).await.unwrap(), 0, "once: {kind}");
    }
    let told: Vec<String> = office
        .desk
        .notices("cli_1")
        .await
        .unwrap()
        .into_iter()
        .map(|n| n.kind)
        .collect();
    assert_eq!(
        told,
        ["90", "deprecated", "30", "7"],
        "90 days ahead is when it was announced"
    );
    assert!(
        office.desk.notices("cli_2").await.unwrap().is_empty(),
        "who calls something else is not told"
    );
    office.desk.retire_ended(at(end - 1)).await.unwrap();
    assert_eq!(office.state(&id).await, State::Deprecated);
    office.desk.retire_ended(at(end)).await.unwrap();
    assert_eq!(office.state(&id).await, State::Retired);
    let acts = office.desk.history(&id).await.unwrap();
    assert_eq!(acts.last().map(|a| a.actor.as_str()), Some("hub"));
}

#[tokio::test]
async fn a_waived_finding_passes_until_its_day_and_goes_with_the_next_version() {
    let office = office().await;
    let id = office.upload("1.0.0", "bad", "no", 1).await.unwrap().row.id.clone();
    let waive = |until: &str| Asked {
        waivers: Some(format!(
            "waivers:\n  - {{rule: no-bad-title, place: /info, why: 改名中, until: '{until}', who: 审核员}}\n"
        )),
        ..Asked::step(Step::Waive)
    };
    let refused = office
        .desk
        .plan(&office.owner, &id, &waive("2099-01-01"), at(2))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::NotTheirs), "{refused}");
    let refused = office
        .desk
        .plan(&office.reviewer, &id, &waive("soon"), at(2))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::Unreadable(_)), "{refused}");
    let plan = office
        .desk
        .plan(&office.reviewer, &id, &waive("2020-01-01"), at(3))
        .await
        .unwrap();
    office.desk.commit(plan).await.unwrap();
    assert!(
        office.step(&office.clerk, &id, Step::Ask, 4).await.is_err(),
        "its day is over"
    );
    let plan = office
        .desk
        .plan(&office.reviewer, &id, &waive("2099-01-01"), at(5))
        .await
        .unwrap();
    office.desk.commit(plan).await.unwrap();
    let next = office.upload("1.1.0", "bad", "no", 6).await.unwrap().row.id.clone();
    for version in [id, next] {
        office.step(&office.clerk, &version, Step::Ask, 7).await.unwrap();
    }
}
