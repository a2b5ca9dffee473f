package dev.callboard.event;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * A change of a task, as it is told. The state is that of the task after the callback that made the change; files, the
 * provider's time and the origin are those of the callback.
 *
 * @param id of the event, and of the callback that made it
 * @param outcome the code of the outcome after the change
 * @param previousOutcome that before it; null if the task was not known; the same as {@code outcome} if the callback brings
 *     new files without a change of the outcome
 * @param occurredAt the provider's time in the callback; null if it had none
 * @param changedAt when the task changed last
 * @param createdAt when the callback was recorded
 */
public record TaskEvent(
        UUID id,
        String provider,
        String taskId,
        String outcome,
        String previousOutcome,
        String status,
        String taskType,
        String businessId,
        String sourceTaskId,
        String failureReason,
        List<File> results,
        Instant occurredAt,
        Instant changedAt,
        String origin,
        Instant createdAt) {

    /** A file that the callback names. */
    public record File(String kind, String url, String externalId, String templateId, boolean flagged) {}

    /** The name of what happened: {@code task.} and the outcome, or {@code task.result_added}. */
    String type() {
        return outcome.equals(previousOutcome) ? "task.result_added" : "task." + outcome;
    }
}
