//! Q1 to Q4, Q19: what an answer says about itself.

use super::{answer, bill, connector, flags, json_answer, sent, told};
use crate::city::{CATALOG, operation};
use hub_core::ProblemCode;
use serde_json::json;

const DATA: &str = r#""data":{"account_no":"0081","amount_fen":128050,"due_date":"2026-04-30"}"#;

#[test]
fn q01_a_failure_inside_200() {
    let up = connector("q01");
    for code in [
        "0",
        "\"0\"",
        "\"0000\"",
        "\"SUCCESS\"",
        "true",
        "\"true\"",
        "\" 0000 \"",
    ] {
        let body = format!(r#"{{"code":{code},"msg":"操作成功",{DATA}}}"#);
        assert_eq!(bill(&up, &body).unwrap()["amount_fen"], 128_050, "{body}");
    }
    for (body, expected) in [
        (
            r#"{"code":"500","msg":"查询失败:该用户不存在","data":null}"#,
            ProblemCode::RecordNotFound,
        ),
        (r#"{"code":500,"msg":"数据库异常"}"#, ProblemCode::UpstreamUnavailable),
        (r#"{"code":"403","msg":"无权限"}"#, ProblemCode::UpstreamRefused),
        (r#"{"code":429,"msg":"访问过快"}"#, ProblemCode::UpstreamBusy),
        (r#"{"code":"88","msg":"系统维护中"}"#, ProblemCode::UpstreamMaintenance),
        (r#"{"code":"77","msg":"欠费停机"}"#, ProblemCode::BusinessRejected),
        (r#"{"code":false,"msg":"x"}"#, ProblemCode::BusinessRejected),
        (r#"{"state":"0","info":"ok"}"#, ProblemCode::UpstreamContract),
    ] {
        assert_eq!(bill(&up, body).unwrap_err(), expected, "{body}");
        // The data of a success beside the code of a failure changes nothing.
        let with_data = body.replacen('{', &format!("{{{DATA},"), 1);
        assert!(bill(&up, &with_data).is_err(), "{with_data}");
    }
}

#[test]
fn q01_success_in_words_and_in_two_members() {
    let up = connector("q01-when");
    let body = format!(r#"{{"success":"true","retCode":1,{DATA}}}"#);
    assert_eq!(bill(&up, &body).unwrap()["account_no"], "0081");
    for (body, expected) in [
        (r#"{"success":"false","retCode":1}"#, ProblemCode::BusinessRejected),
        (r#"{"success":true,"retCode":7,"info":"已缴"}"#, ProblemCode::Conflict),
        (r#"{"retCode":1}"#, ProblemCode::BusinessRejected),
    ] {
        assert_eq!(bill(&up, body).unwrap_err(), expected, "{body}");
    }
}

#[test]
fn q02_nothing_found_in_many_shapes() {
    let up = connector("q02");
    for body in [
        r#"{"code":200,"msg":"操作成功","data":"null"}"#,
        r#"{"code":200,"data":null}"#,
        r#"{"code":200,"data":{}}"#,
        r#"{"code":0,"data":[{}]}"#,
        r#"{"code":0,"data":"无数据"}"#,
        r#"{"code":0}"#,
    ] {
        assert_eq!(bill(&up, body).unwrap_err(), ProblemCode::RecordNotFound, "{body}");
    }
    // Not in the list of this operation: an answer without what it must have, which the contract's check refuses.
    let bare = bill(&up, r#"{"code":0,"data":""}"#).unwrap();
    assert!(CATALOG.check_output(&operation("bill-query"), &bare).is_err());
    let none = json_answer(br#"{"code":0,"data":{"items":[],"total":0}}"#);
    let (body, _) = told(&up, "case-list", &none).unwrap();
    assert_eq!(body, json!({"items": [], "total": 0}));
}

#[test]
fn q03_json_inside_a_text() {
    let up = connector("q03");
    let once = r#"{"code":0,"data":"{\"account_no\":\"0081\",\"amount_fen\":652000,\"due_date\":\"2026-03-31\"}"}"#;
    let twice = concat!(
        r#"{"code":0,"data":"\"{\\\"account_no\\\":\\\"0081\\\",\\\"amount_fen\\\":652000,"#,
        r#"\\\"due_date\\\":\\\"2026-03-31\\\"}\""}"#
    );
    let plain = r#"{"code":0,"data":{"account_no":"0081","amount_fen":652000,"due_date":"2026-03-31"}}"#;
    for body in [once, twice, plain] {
        assert_eq!(bill(&up, body).unwrap()["amount_fen"], 652_000, "{body}");
    }
    let thrice =
        json!({"code": 0, "data": json!(json!(json!({"account_no": "1"}).to_string()).to_string()).to_string()});
    let deep = format!(r#"{{"code":0,"data":"{}"}}"#, "[".repeat(65));
    for body in [thrice.to_string(), deep, r#"{"code":0,"data":"{\"a\":"}"#.to_owned()] {
        assert_eq!(bill(&up, &body).unwrap_err(), ProblemCode::UpstreamUnexpected, "{body}");
    }
    assert_eq!(
        bill(&up, r#"{"code":0,"data":"null"}"#).unwrap_err(),
        ProblemCode::RecordNotFound
    );
}

#[test]
fn q04_names_of_initials_and_either_case() {
    let up = connector("q04");
    let expected =
        json!({"account_no": "0011223344", "amount_fen": 128_050, "due_date": "2026-04-30", "is_paid": true});
    for body in [
        r#"{"code":0,"data":{"grbh":"0011223344","je":"1280.50","jzrq":"20260430","CBZT":"1"}}"#,
        r#"{"code":0,"data":{"GRBH":"0011223344","JE":"1280.50","jzrq":"20260430","cbzt":"1","XM":"张*"}}"#,
        r#"{"code":0,"data":{"grbh":"0011223344","GRBH":"other","je":"1280.50","jzrq":20260430,"cbzt":1}}"#,
    ] {
        assert_eq!(bill(&up, body).unwrap(), expected, "{body}");
    }
    let request = sent(
        &up,
        "bill-query",
        &json!({"account_no": "0011223344", "period_month": "2026-03"}),
    );
    assert_eq!(request.body, br#"{"grbh":"0011223344","ny":"202603"}"#);
}

#[test]
fn q19_a_page_instead_of_data() {
    let up = connector("q19");
    for page in [
        &b"<!DOCTYPE html>\r\n<html><head><title>\xe6\x8b\xa6\xe6\x88\xaa</title></head></html>"[..],
        b"<HTML><body>403 Forbidden</body></HTML>",
        b"\n  <script>window.location='/waf'</script>",
        b"\xef\xbb\xbf<html></html>",
    ] {
        for content_type in ["text/html", "application/json", ""] {
            let error = told(&up, "bill-query", &answer(content_type, page)).unwrap_err();
            assert_eq!(error.problem().code, ProblemCode::UpstreamBlocked);
            assert!(!error.effect_unknown());
        }
    }
    let good = format!(r#"{{"code":0,{DATA}}}"#);
    let (_, notes) = told(&up, "bill-query", &answer("text/html", good.as_bytes())).unwrap();
    assert!(flags(&notes).is_empty());
}
