package dev.callboard.bench;

import java.util.concurrent.atomic.LongAdder;

/** One callback for each task, none of which failed, or a tenth, or all. */
final class UniqueTasks implements Traffic {
    enum Mix {
        NONE_FAILED("none failed"),
        TENTH_FAILED("a tenth failed"),
        ALL_FAILED("all failed");

        final String words;

        Mix(String words) {
            this.words = words;
        }

        boolean hasFailed(int n) {
            return this == ALL_FAILED || (this == TENTH_FAILED && n % 10 == 0);
        }
    }

    private final int load;
    private final Mix mix;
    private final LongAdder failed = new LongAdder();

    /** @param load tells the loads of one database apart */
    UniqueTasks(int load, Mix mix) {
        this.load = load;
        this.mix = mix;
    }

    @Override
    public String body(int connection, int n) {
        return body(Bodies.taskId(load, connection, n), n);
    }

    String body(String taskId, int n) {
        return mix.hasFailed(n) ? Bodies.of(Bodies.FAILED, taskId) : Bodies.completed(taskId, n);
    }

    @Override
    public void acknowledged(int connection, int n) {
        if (mix.hasFailed(n)) {
            failed.increment();
        }
    }

    /** How many of the failed tasks were answered 200. */
    long failed() {
        return failed.sum();
    }
}
