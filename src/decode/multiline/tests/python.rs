//! Python 3.8 to 3.14.

use super::*;

const SIMPLE: &str = "Traceback (most recent call last):
  File \"/app/flow.py\", line 12, in <module>
    main()
  File \"/app/flow.py\", line 8, in main
    return 1 / 0
ZeroDivisionError: division by zero";

const CARETS: &str = "Traceback (most recent call last):
  File \"/app/flow.py\", line 5, in train
    return data[\"rows\"][0][\"name\"]
           ~~~~~~~~~~~~^^^
  File \"/app/deep.py\", line 3, in down
    down(n - 1)
    ~~~~^^^^^^^
  [Previous line repeated 996 more times]
RecursionError: maximum recursion depth exceeded";

const SYNTAX: &str = "  File \"/app/flow.py\", line 3
    x = = 1
        ^
SyntaxError: invalid syntax";

const SYNTAX_BEHIND_A_HEADLINE: &str = "Traceback (most recent call last):
  File \"/app/run.py\", line 1, in <module>
    import flow
  File \"/app/flow.py\", line 3
    def f(:
          ^
SyntaxError: invalid syntax";

const GROUP: &str = "  + Exception Group Traceback (most recent call last):
  |   File \"/app/map.py\", line 7, in run
  |     raise ExceptionGroup(\"two nodes failed\", errors)
  | ExceptionGroup: two nodes failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File \"/app/map.py\", line 3, in node
    |     raise ValueError(1)
    | ValueError: 1
    +---------------- 2 ----------------
    | ExceptionGroup: nested (1 sub-exception)
    +-+---------------- 1 ----------------
      | KeyError: 'x'
      +------------------------------------";

/// What makes the group's last exception a group, which is then the one with the end.
const NESTED: &str = "    | ExceptionGroup: nested (1 sub-exception)
    +-+---------------- 1 ----------------
      | KeyError: 'x'
      +------------------------------------";

const HANDLING: &str = "\n\nDuring handling of the above exception, another exception occurred:\n\n";
const CAUSE: &str = "\n\nThe above exception was the direct cause of the following exception:\n\n";

#[test]
fn whole_tracebacks_are_one_record() {
    let group = GROUP.replace(NESTED, "") + "    +------------------------------------";
    let chained = [SIMPLE, HANDLING, CARETS, CAUSE, SIMPLE].concat();
    let group_behind = [SIMPLE, CAUSE, &group].concat();
    let behind_group = [&group, HANDLING, SIMPLE].concat();
    let behind_nested = [GROUP, HANDLING, SIMPLE].concat();
    let nested_first = GROUP.replace("- 2 -", "- 1 -")
        + "\n    +---------------- 2 ----------------\n    | ValueError: 2\n    +------------------------------------";
    let syntax = [SYNTAX, HANDLING, SIMPLE].concat();
    assert_whole(
        "python",
        &[
            GROUP,
            &behind_nested,
            &nested_first,
            SIMPLE,
            CARETS,
            SYNTAX,
            SYNTAX_BEHIND_A_HEADLINE,
            &group,
            &chained,
            &group_behind,
            &behind_group,
            &syntax,
        ],
    );
}

#[test]
fn gives_back_lines_that_only_looked_like_a_chain() {
    let mut input: Vec<&str> = SIMPLE.split('\n').collect();
    let sentence = HANDLING.trim();
    input.extend(["", sentence, "", "no traceback"]);
    assert_eq!(joined(&built_in("python"), &input), [SIMPLE, "", sentence, "", "no traceback"]);
}

#[test]
fn begins_anew_at_a_headline() {
    let cut: Vec<&str> = SIMPLE.split('\n').take(3).collect();
    let input = [cut.clone(), SIMPLE.split('\n').collect()].concat();
    assert_eq!(joined(&built_in("python"), &input), [&cut.join("\n"), SIMPLE]);
}

#[test]
fn ends_at_a_gap_in_the_lines_own_times() {
    let cut: Vec<&str> = SIMPLE.split('\n').take(5).collect();
    let input = [cut.clone(), vec!["@2001 ZeroDivisionError: x"]].concat();
    assert_eq!(joined(&built_in("python"), &input), [&cut.join("\n"), "ZeroDivisionError: x"]);
}

#[test]
fn lines_that_only_begin_alike_stay_alone() {
    let lines = [
        "Traceback (most recent call last)",
        "  File \"/a.py\", line 3, in f",
        "  File \"/a.py\", line ",
        "  File \"/a.py\"",
        "  + Exception Group",
    ];
    assert_eq!(joined(&built_in("python"), &lines), lines);
}
