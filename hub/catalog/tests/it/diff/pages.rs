//! The reference of changes, made from the table.

use hub_catalog::diff::table::{Kind, ROWS, kinds};
use hub_catalog::diff::words;
use std::fmt::Write;
use std::path::PathBuf;

fn page() -> String {
    let mut page = String::from(
        "# 变更的种类 / Kinds of change\n\n\
         由 `hub/catalog/src/diff/table.rs` 生成（`make generate`），测试比对。\
         两份接口描述逐项比较：调用方发出的内容收紧、收到的内容放宽，都会破坏按旧描述编写的程序。\
         `hub diff 旧 新` 给出每处变更的编号、位置、说明和避免的办法。\n\n\
         Generated from `hub/catalog/src/diff/table.rs` by `make generate`; a test compares. Two descriptions are compared by\n\
         what they allow: narrowing what clients send breaks them, and so does widening what they receive. `hub diff OLD NEW`\n\
         gives the id, place, sentence and advice of every change.\n\n\
         - 破坏 / breaking: 按旧描述编写的程序可能失败 / a client that kept to the old description can fail\n\
         - 有风险 / risky: 视使用方而定 / it depends on the client\n\
         - 安全 / safe: 使用方不会察觉 / no client notices\n\n\
         不算变更 / no changes: 内联或改名组件、调整顺序、`allOf` 只包一项、路径参数改名、把参数移到路径上、说明文字和示例 /\n\
         inlining or renaming components, order, an `allOf` of one, renaming path parameters, moving parameters to the path,\n\
         descriptions and examples.\n",
    );
    for row in ROWS {
        writeln!(page, "\n## {} / {} (`{}`)\n", row.zh, row.en, row.keyword).unwrap();
        page.push_str("| id | 方向 direction | 级别 severity | 怎么办 | what to do |\n|---|---|---|---|---|\n");
        for kind in kinds().filter(|k: &Kind| k.row == row) {
            let (severity, direction) = (words::severity(kind.severity), words::direction(kind.area.direction()));
            let advice = words::advice(&kind);
            writeln!(
                page,
                "| `{}` | {} {} | {} {} | {} | {} |",
                kind.id(),
                direction.zh,
                direction.en,
                severity.zh,
                severity.en,
                advice.zh,
                advice.en
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn generated_reference_of_changes_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/changes.md");
    let text = page();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "run with UPDATE_GENERATED=1 and commit {}",
        path.display()
    );
}
