package dev.callboard.task;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * When something is done about a task that is open. Immutable; a function of its arguments.
 *
 * @param byProvider the times of each provider; others have those of {@link #DEFAULT}
 */
public record Deadlines(Map<String, Times> byProvider) {
    /** What applies without settings. */
    public static final Times DEFAULT = new Times(Duration.ofMinutes(5), Duration.ofHours(1));

    /**
     * The times of a provider.
     *
     * @param lookupAfter after what silence a task is looked up for the first time
     * @param overdueAfter after what time a task is overdue, unless its announcement has another
     */
    public record Times(Duration lookupAfter, Duration overdueAfter) {}

    public Deadlines {
        byProvider = Map.copyOf(byProvider);
    }

    /** When a task that was heard of just now, and so has changed, is looked up. */
    Instant firstLookup(Task task) {
        return firstLookup(task, task.changedAt());
    }

    /** When a task is looked up of which something was heard at this time. */
    Instant firstLookup(Task task, Instant heardAt) {
        return heardAt.plus(of(task).lookupAfter());
    }

    /** What is done about a task that is open since its last change. */
    TaskTables.Opening opening(Task task) {
        Instant openedAt = task.changedAt();
        return new TaskTables.Opening(task.key(), openedAt, firstLookup(task), overdue(task, openedAt));
    }

    /** When a task that is open since this time is overdue. */
    Instant overdue(Task task, Instant openedAt) {
        return openedAt.plus(task.overdueAfter() == null ? of(task).overdueAfter() : task.overdueAfter());
    }

    private Times of(Task task) {
        return byProvider.getOrDefault(task.key().provider(), DEFAULT);
    }
}
