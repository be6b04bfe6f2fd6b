//! Spark's driver: log4j's console pattern on stderr.

use super::super::Stream;
use super::super::clock;
use super::super::truth::Format;
use super::{Context, Draft, Level};

/// `26/08/21 12:00:01 INFO Class: message`
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    let number = context.random.u32(1..90_000);
    let stage = number % 40;
    let (level, text) = match context.random.u32(..8) {
        0 => (
            Level::Warning,
            format!("TaskSetManager: Lost task {number}.0 in stage {stage}.0 (TID {number}): FetchFailed"),
        ),
        1 => (
            Level::Error,
            format!("TaskSchedulerImpl: Lost executor 2 on 10.244.1.7: exit code {number}, latency unknown"),
        ),
        2 => (Level::Debug, format!("BlockManager: Getting local block broadcast_{number}")),
        3 => {
            (Level::Warning, format!("org.apache.spark.util.Utils: Service 'SparkUI' could not bind on port {number}."))
        }
        _ => (
            Level::Info,
            format!("DAGScheduler: Job {number} finished: collect at features.py:{stage}, took {number} ms, no ERROR"),
        ),
    };
    let (sequence, message) = context.marked(&text);
    let line = format!("{} {} {message}", clock::spark(context.time_ns), level.indexed());
    Draft::new(Format::Spark, Stream::Stderr, sequence, line, message).level(level)
}
