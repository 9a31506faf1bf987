use super::*;
#[test]
fn probe() {
    let text = "a: 1\nb:\n  - x\n  - {q: r, s}\nc: |\n  hello\n  world\n\nd:\ne: &n \"q\\tu\"\nf: *n\ng: >-\n  x\n\n\nh: []\ni:\n- k: v\n- 'it''s'\n---\n---\n# c\n!!str 5\n";
    for event in granit_parser::Parser::new_from_str_with_options(
        text,
        granit_parser::options! { emit_comments: false },
    ) {
        let (event, span) = event.unwrap();
        println!("{event:?} {:?}", span.slice(text));
    }
    for doc in documents(text) {
        let root = doc.root.unwrap();
        println!("{:?} {}", doc.line, root.to_json());
        root.for_each_leaf(&Path::root(), &mut |p, n| {
            println!("{p}: {:?}", n.span.slice(text))
        });
    }
}
