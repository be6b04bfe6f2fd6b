//! Ruby 2.5 to 3.4.

use super::*;

#[test]
fn whole_backtraces_are_one_record() {
    assert_whole(
        "ruby",
        &[
            "/app/a.rb:2:in `divide': divided by 0 (ZeroDivisionError)
\tfrom /app/a.rb:2:in `block in run'
\tfrom /app/a.rb:6:in `<main>'",
            "/app/a.rb:2:in 'Integer#/': divided by 0 (ZeroDivisionError)
\tfrom /app/a.rb:2:in 'Object#down'
\t ... 10067 levels...
\tfrom /app/a.rb:6:in '<main>'",
            // The order of terminals before Ruby 3.
            "Traceback (most recent call last):
\t2: from /app/a.rb:6:in `<main>'
\t1: from /app/a.rb:2:in `run'
/app/a.rb:1:in `divide': divided by 0 (ZeroDivisionError)",
        ],
    );
}

#[test]
fn python_beside_it_is_not_broken() {
    let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    1 / 0\nZeroDivisionError: x";
    let input: Vec<&str> = trace.split('\n').chain(["after"]).collect();
    for chain in [built_in("ruby").followed_by(&built_in("python")), built_in("ruby").with_python_first()] {
        assert_eq!(joined(&chain, &input), [trace, "after"]);
    }
}
