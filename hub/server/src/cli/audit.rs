//! `hub audit verify`.

use super::args::VerifyArgs;
use super::outcome::Outcome;
use crate::wiring::TRAIL;
use hub_core::Lang;
use serde_json::json;

pub fn verify(args: &VerifyArgs, lang: Lang) -> Outcome {
    let folder = args.data_dir.join(TRAIL);
    if !folder.is_dir() {
        let shown = folder.display();
        let words = if lang == Lang::Zh {
            format!("没有轨迹 {shown}")
        } else {
            format!("there is no trail at {shown}")
        };
        return Outcome::misused(words, lang);
    }
    match hub_gateway::trail::verify(&folder) {
        Ok(report) if args.json => {
            Outcome::json(&json!({"whole": true, "files": report.files, "records": report.lines}))
        }
        Ok(report) => Outcome::done(match lang {
            Lang::Zh => format!("轨迹完整：{} 个文件，{} 条记录", report.files, report.lines),
            Lang::En => format!("the trail is whole: {} files, {} records", report.files, report.lines),
        }),
        Err(broken) if args.json => Outcome::json(&json!({"whole": false, "error": broken.to_string()})).with_code(1),
        Err(broken) => Outcome::failed(broken, lang),
    }
}
