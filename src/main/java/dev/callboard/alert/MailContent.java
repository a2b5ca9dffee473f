package dev.callboard.alert;

import java.time.Instant;
import java.util.List;

/**
 * The content of a mail about any number of alerts.
 *
 * @param alerts how many alerts it is about
 * @param tasks how many tasks these are about; 0 if they are about none
 * @param completed how many of the tasks have completed since
 * @param since when the first alert was raised; null if there is none
 * @param until when the last alert was raised; null if there is none
 * @param reasons the most frequent reasons, the most frequent first
 * @param newest the newest alerts, the newest first
 * @param files the files of those that are shown in full
 */
record MailContent(
        long alerts,
        long tasks,
        long completed,
        Instant since,
        Instant until,
        List<Reason> reasons,
        List<Alert> newest,
        List<File> files) {

    /**
     * @param reason null if the provider gave none
     * @param alerts how many alerts have it
     */
    record Reason(String reason, long alerts) {}

    /**
     * One alert, with its callback and the current state of its task; unknown values are null.
     *
     * @param otherKinds the other kinds that the callback raised
     * @param detail lines of text, of an alert that is about no task
     * @param details a JSON object of labels and texts
     * @param occurredAt the provider's time
     * @param outcome the current outcome of the task
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
            String outcome) {}

    /**
     * A file that a task has produced.
     *
     * @param kind image, video or the like
     */
    record File(String taskId, String kind, String url) {}
}
