//! The JVM, and what prints like it.

use super::*;

#[test]
fn whole_stack_traces_are_one_record() {
    assert_whole(
        "java",
        &[
            "Exception in thread \"main\" java.lang.IllegalStateException: no workers left
\tat org.flyte.Pool.take(Pool.java:41)
\tat org.flyte.Main.main(Main.java:12)",
            // No message behind the class.
            "java.lang.NullPointerException
\tat org.flyte.Main.main(Main.java:12)",
            "2026-11-25 02:57:01,123 ERROR [main] o.f.Main - failed: org.flyte.NodeException: n0
\tat org.flyte.Node.run(Node.java:88) ~[flyte.jar:1.2]
\tat java.base/java.lang.Thread.run(Thread.java:840) [?:?]
Caused by: java.io.IOException: disk
\tat org.flyte.Disk.write(Disk.java:7)
\t... 12 more
Caused by: java.nio.file.AccessDeniedException: /data
\tat java.base/sun.nio.fs.UnixException.translate(UnixException.java:90)
\t... 13 common frames omitted",
            "java.lang.RuntimeException: outer
\tat a.B.c(B.java:3)
\tSuppressed: java.io.IOException: close
\t\tat a.B.close(B.java:9)
\t\t... 1 more
\tCaused by: java.lang.Error: inner
\t\tat a.B.d(B.java:5)
\t\t[CIRCULAR REFERENCE: java.lang.RuntimeException: outer]",
            "java.rmi.ServerException: RemoteException occurred; nested exception is: 
\tjava.lang.ArithmeticException: / by zero
\tat a.B.c(B.java:3)",
            "com.acme.RemoteException: call failed
nested exception is:
    java.net.ConnectException: refused
    at com.acme.Call.run(Call.java:1)",
            "TypeError: cannot read 'x'
    at eval at run (/app/a.js:1:1)
    at Object.<anonymous> (/app/b.js:10:5)",
            "System.AggregateException: outer
   at A.B.C() in /src/b.cs:line 4
   --- End of inner exception stack trace ---
   at A.B.D()
--- End of stack trace from previous location where exception was thrown ---
   at A.B.E()",
        ],
    );
}

#[test]
fn each_exception_is_a_record_of_its_own() {
    let first = "java.lang.Error: a\n\tat a.B.c(B.java:1)";
    let second = "java.lang.Error: b\n\tat a.B.c(B.java:1)";
    let input = [first, second].join("\n");
    assert_eq!(joined(&built_in("java"), &input.split('\n').collect::<Vec<_>>()), [first, second]);
}

#[test]
fn what_mentions_an_exception_stays_alone() {
    let lines = ["INFO ExceptionHandler registered", "no Error: here", "\tat the end", "    at last"];
    assert_eq!(
        joined(&built_in("java"), &lines),
        ["INFO ExceptionHandler registered", "no Error: here\n\tat the end\n    at last"]
    );
}
