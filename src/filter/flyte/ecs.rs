//! What is particular about documents with the names of ECS.

/// The application's text of this key is a stack trace: by Elastic's own loggers, by zap, or by Python's.
pub(super) fn is_stack_trace(key: &[u8]) -> bool {
    matches!(key, b"error.stack_trace" | b"stack_trace" | b"stacktrace" | b"exc_info")
}

/// The names that the Flyte filter and the outputs give, and those of the objects around them: another filter's text
/// `host` would have the server refuse the document, in which `host` is an object. Others below these are
/// welcome: `log.file.path` is a field of ECS.
pub(super) fn is_reserved(key: &[u8]) -> bool {
    matches!(
        key,
        b"@timestamp"
            | b"message"
            | b"fields"
            | b"large_fields"
            | b"truncated"
            | b"ecs"
            | b"ecs.version"
            | b"service"
            | b"service.name"
            | b"log"
            | b"log.level"
            | b"event"
            | b"event.original"
            | b"error"
            | b"error.stack_trace"
            | b"trace"
            | b"trace.id"
            | b"span"
            | b"span.id"
            | b"host"
            | b"host.name"
            | b"container"
            | b"container.id"
            | b"container.name"
            | b"container.image"
            | b"container.image.name"
    ) || is_below(key, b"orchestrator")
        || is_below(key, b"flyte")
}

/// It is this object, or a field in it.
fn is_below(key: &[u8], object: &[u8]) -> bool {
    key.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest[0] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::field_names::{FieldNames, STACK_TRACE};

    #[test]
    fn every_name_and_every_object_around_one_is_reserved() {
        let names = FieldNames::Ecs.names();
        for name in [
            names.app,
            names.component,
            names.namespace,
            names.pod,
            names.container,
            names.host,
            names.level,
            names.execution_id,
            names.trace_id,
            names.span_id,
            names.log,
            STACK_TRACE,
        ] {
            let ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
            assert!(ends.map(|end| &name[..end]).all(|part| is_reserved(part.as_bytes())), "{name}");
        }
        for free in ["log.file.path", "stream", "kubernetes", "order", "hostname", "flyteish"] {
            assert!(!is_reserved(free.as_bytes()), "{free}");
        }
    }
}
