//! Go 1.18 to 1.25.

use super::*;

#[test]
fn whole_panics_are_one_record() {
    assert_whole(
        "go",
        &[
            "panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:8 +0x1b",
            "panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f3a5]

goroutine 18 [running, locked to thread]:
github.com/flyteorg/flyte/flytepropeller.(*Worker).run(0xc0000b4000, {0x55, 0x2})
\t/go/src/worker.go:101 +0x25
panic({0x4a2340?, 0x53f6b0?})
\t/usr/local/go/src/runtime/panic.go:770 +0x132
created by github.com/flyteorg/flyte/flytepropeller.Start in goroutine 1
\t/go/src/start.go:20 +0x85

goroutine 7 [chan receive, 2 minutes]:
main.Wait[...](...)
\t/app/wait.go:4
...additional frames elided...
created by main.main
\t/app/main.go:5 +0x40",
            "panic: first [recovered]
\tpanic: second

goroutine 1 [running]:
main.f.func1()
\t/app/main.go:3 +0x1",
            "fatal error: all goroutines are asleep - deadlock!

goroutine 1 [select (no cases)]:
main.main()
\t/app/main.go:4 +0x18",
            "fatal error: stack overflow

runtime stack:
runtime.throw({0x4b2f3f?, 0x0?})
\t/usr/local/go/src/runtime/panic.go:1023 +0x5c

goroutine 1 gp=0xc000002380 m=0 mp=0x4f [running]:
main.f(0x1)
\t/app/main.go:3 +0x39",
            "SIGQUIT: quit
PC=0x46d0e1 m=0 sigcode=0

goroutine 0 gp=0x52d m=0 mp=0x5 [idle]:
runtime.futex(0x57)
\t/usr/local/go/src/runtime/sys_linux_amd64.s:557 +0x21",
            "2026/11/25 02:57:01 http: panic serving 10.2.0.1:5123: oh no
goroutine 24 [running]:
net/http.(*conn).serve.func1()
\t/usr/local/go/src/net/http/server.go:1898 +0xbe",
        ],
    );
}

#[test]
fn a_panic_in_prose_stays_alone() {
    let lines = ["do not panic: nothing happened", "next line"];
    assert_eq!(joined(&built_in("go"), &lines), lines);
}
