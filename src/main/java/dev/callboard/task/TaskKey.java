package dev.callboard.task;

import java.util.Comparator;

/** Which task of which provider. Ordered, so that whoever locks several tasks does it in the same order. */
record TaskKey(String provider, String taskId) implements Comparable<TaskKey> {
    private static final Comparator<TaskKey> ORDER =
            Comparator.comparing(TaskKey::provider).thenComparing(TaskKey::taskId);

    @Override
    public int compareTo(TaskKey other) {
        return ORDER.compare(this, other);
    }
}
