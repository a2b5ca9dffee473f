package dev.callboard.task;

import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;

/**
 * The state of a task, and the order rules: which callback replaces it. All methods are pure; times come from the
 * callbacks.
 *
 * @param expects the code of the kind of file without which the task is not over; null if its announcement named none
 * @param overdueAfter after what time in progress it is overdue; null for that of its provider
 * @param occurredAt the provider's latest time in a callback that was applied; never goes back; null if none had a time
 * @param lastCallbackAt when the latest callback arrived, duplicates and stale ones included; never goes back
 * @param changedAt when a callback was applied last; never goes back
 * @param outcomeSince since when the task has had this outcome
 * @param appliedCallbackId the callback that was applied last
 * @param appliedOccurredAt the provider's time in that callback; null if it had none
 * @param appliedReceivedAt when that callback arrived, which may be long before it was applied if it was replayed
 * @param revision counts the changes of status, from 1
 */
record Task(
        TaskKey key,
        String taskType,
        String family,
        String businessId,
        String sourceTaskId,
        String regenType,
        String status,
        Outcome outcome,
        String failureReason,
        String expects,
        Duration overdueAfter,
        Instant occurredAt,
        Instant firstReceivedAt,
        Instant lastCallbackAt,
        Instant changedAt,
        Instant outcomeSince,
        UUID appliedCallbackId,
        Instant appliedOccurredAt,
        Instant appliedReceivedAt,
        int revision) {

    /** The state after a task's first callback. */
    static Task of(Callback first) {
        return new Task(
                first.key(),
                first.taskType(),
                first.family(),
                first.businessId(),
                first.sourceTaskId(),
                first.regenType(),
                first.status(),
                first.outcome(),
                first.failureReason(),
                null,
                null,
                first.occurredAt(),
                first.receivedAt(),
                first.receivedAt(),
                first.recordedAt(),
                first.recordedAt(),
                first.id(),
                first.occurredAt(),
                first.receivedAt(),
                1);
    }

    /** The state of a task that is announced before anything is received of it. */
    static Task of(Announcement announcement, UUID id, Instant now) {
        return new Task(
                        announcement.key(),
                        null,
                        null,
                        null,
                        null,
                        null,
                        Outcome.EXPECTED.code(),
                        Outcome.EXPECTED,
                        null,
                        null,
                        null,
                        null,
                        now,
                        now,
                        now,
                        now,
                        id,
                        null,
                        now,
                        1)
                .fillIn(announcement);
    }

    /**
     * The state after an announcement, which adds what the task lacks. Of several times after which the task is overdue, the
     * last one counts.
     */
    Task fillIn(Announcement announcement) {
        return new Task(
                key,
                orElse(taskType, announcement.type()),
                orElse(family, announcement.family()),
                orElse(businessId, announcement.businessId()),
                orElse(sourceTaskId, announcement.sourceTaskId()),
                regenType,
                status,
                outcome,
                failureReason,
                orElse(expects, announcement.expects()),
                announcement.overdueAfter() == null ? overdueAfter : announcement.overdueAfter(),
                occurredAt,
                firstReceivedAt,
                lastCallbackAt,
                changedAt,
                outcomeSince,
                appliedCallbackId,
                appliedOccurredAt,
                appliedReceivedAt,
                revision);
    }

    /**
     * Whether a callback, which is no duplicate, is applied to the task or stale. It is compared with the callback that was
     * applied last. The first rule that applies decides:
     *
     * <ol>
     *   <li>A known outcome replaces an unknown or expected one, never the other way round.
     *   <li>Both have the provider's time: the later one wins; at equal times a finished outcome wins over "in progress",
     *       otherwise the one received last.
     *   <li>One of them has no time: "in progress" does not replace a finished outcome; otherwise the one received last wins.
     * </ol>
     *
     * The one received last is the callback, unless it is replayed or looked up.
     */
    boolean isReplacedBy(Callback callback) {
        if (outcome == Outcome.EXPECTED) {
            return true;
        }
        if (callback.outcome().isKnown() != outcome.isKnown()) {
            return !outcome.isKnown();
        }
        if (callback.occurredAt() != null && appliedOccurredAt != null) {
            int order = callback.occurredAt().compareTo(appliedOccurredAt);
            if (order != 0) {
                return order > 0;
            }
        }
        if (callback.outcome().isFinished() != outcome.isFinished()) {
            return callback.outcome().isFinished();
        }
        return callback.origin() == Origin.CALLBACK || callback.receivedAt().isAfter(appliedReceivedAt);
    }

    /**
     * Whether a callback whose body was received before is a new event all the same. Without a time, a provider that says
     * "failed", "completed" and "failed" again sends the first body twice.
     */
    boolean isRevertedBy(Callback callback) {
        return callback.occurredAt() == null
                && callback.outcome().isFinished()
                && callback.outcome() != outcome
                && isReplacedBy(callback);
    }

    /**
     * Whether a look-up's answer says something of the task that the last callback did not, its files aside.
     */
    boolean isChangedBy(Callback answer) {
        return answer.outcome() != outcome
                || !answer.status().equals(status)
                || (answer.failureReason() != null && !answer.failureReason().equals(failureReason));
    }

    /**
     * Whether more is to come from the provider.
     *
     * @param kinds the codes of the kinds of all files that the task has
     */
    boolean isOpen(Set<String> kinds) {
        return switch (outcome) {
            case EXPECTED, IN_PROGRESS, UNKNOWN -> true;
            case COMPLETED -> expects != null && !kinds.contains(expects);
            case FAILED -> false;
        };
    }

    /**
     * The state after a callback that replaces this one. What the callback omits stays, a reason only of the same
     * outcome.
     */
    Task apply(Callback callback) {
        Instant change = later(callback.recordedAt(), changedAt);
        return new Task(
                key,
                orElse(callback.taskType(), taskType),
                orElse(callback.family(), family),
                orElse(callback.businessId(), businessId),
                orElse(callback.sourceTaskId(), sourceTaskId),
                orElse(callback.regenType(), regenType),
                callback.status(),
                callback.outcome(),
                callback.outcome() == outcome
                        ? orElse(callback.failureReason(), failureReason)
                        : callback.failureReason(),
                expects,
                overdueAfter,
                later(callback.occurredAt(), occurredAt),
                firstReceivedAt,
                callback.origin() == Origin.LOOKUP ? lastCallbackAt : later(callback.receivedAt(), lastCallbackAt),
                change,
                callback.outcome() == outcome ? outcomeSince : change,
                callback.id(),
                callback.occurredAt(),
                callback.receivedAt(),
                callback.status().equals(status) ? revision : revision + 1);
    }

    private static String orElse(String value, String other) {
        return value == null ? other : value;
    }

    private static Instant later(Instant one, Instant other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.isAfter(other) ? one : other;
    }
}
