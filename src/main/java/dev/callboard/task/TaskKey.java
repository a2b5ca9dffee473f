package dev.callboard.task;

import java.util.Comparator;

/** Identifies a task: the provider and the provider's id. Ordered, since the tasks of a group are locked in one order. */
record TaskKey(String provider, String taskId) implements Comparable<TaskKey> {
    private static final Comparator<TaskKey> ORDER =
            Comparator.comparing(TaskKey::provider).thenComparing(TaskKey::taskId);

    @Override
    public int compareTo(TaskKey other) {
        return ORDER.compare(this, other);
    }
}
