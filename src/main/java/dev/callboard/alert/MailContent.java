package dev.callboard.alert;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The content of a mail about any number of alerts.
 *
 * @param alerts how many alerts it is about
 * @param tasks how many tasks these are about; 0 if they are about none
 * @param completed how many of the tasks have completed since, with nothing more expected
 * @param since when the first alert was raised; null if there is none
 * @param until when the last alert was raised; null if there is none
 * @param reasons the most frequent reasons, the most frequent first
 * @param newest the newest alerts, the newest first
 * @param files the files of those that are shown in full
 * @param recovered the tasks of the last mail that have completed since
 * @param missed what is known of callbacks that are missing; empty if the mail is not about those
 */
record MailContent(
        long alerts,
        long tasks,
        long completed,
        Instant since,
        Instant until,
        List<Reason> reasons,
        List<Alert> newest,
        List<File> files,
        Recovered recovered,
        Optional<Missed> missed) {

    /**
     * Tasks of the last mail of the same provider and kind that have completed since.
     *
     * @param tasks how many
     * @param taskIds the ids of the first ones
     */
    record Recovered(long tasks, List<String> taskIds) {
        static final Recovered NONE = new Recovered(0, List.of());
    }

    /**
     * What is known of the callbacks that should have come.
     *
     * @param late of how many tasks a callback has announced the result meanwhile
     * @param requests how many requests were not accepted
     */
    record Missed(long late, RequestCounts.Counts requests) {}

    /**
     * @param reason null if the provider gave none
     * @param alerts how many alerts have it
     */
    record Reason(String reason, long alerts) {}

    /**
     * One alert, with its callback and the current state of its task; unknown values are null.
     *
     * @param otherKinds the other kinds that the callback raised
     * @param status the status in the callback; of an alert without one, of the task
     * @param detail lines of text, of an alert that no callback raised
     * @param details a JSON object of labels and texts
     * @param occurredAt the provider's time
     * @param isLookedUp whether the callback is the answer to a look-up
     * @param outcome the current outcome of the task
     * @param changedAt when a callback was applied to the task last
     * @param openSince since when the task has been open; null if nothing more is expected of it
     */
    record Alert(
            String taskId,
            String taskType,
            String businessId,
            String status,
            String failureReason,
            List<String> otherKinds,
            String detail,
            String details,
            Instant createdAt,
            Instant occurredAt,
            boolean isLookedUp,
            String outcome,
            Instant changedAt,
            Instant openSince) {}

    /**
     * A file that a task has produced.
     *
     * @param kind image, video or the like
     */
    record File(String taskId, String kind, String url) {}
}
