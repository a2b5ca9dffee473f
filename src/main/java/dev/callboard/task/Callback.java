package dev.callboard.task;

import dev.callboard.text.Sha256;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * One callback as its route describes it, ready to be recorded. {@link TaskRecorder} makes sure that every text fits its
 * column.
 *
 * @param alerts the codes of the alert kinds that apply, the most important first; empty for none
 * @param family which of the provider's kinds of tasks it is, by the provider's name; null if unknown
 * @param failureReason null unless the outcome is failed and the provider gives a reason
 * @param details what a mail shows beside the reason: labels and texts
 * @param occurredAt the provider's own time, to the microsecond; null if there is none that can be trusted
 * @param payload the body as received, without our token
 * @param digest the SHA-256 of the payload; a second callback of a task with the same digest is a duplicate,
 *     except that {@link Task#isRevertedBy} takes it for a new event
 * @param receivedAt when it was first received, to the microsecond
 * @param recordedAt when it is recorded; later than {@code receivedAt} if it is replayed
 */
public record Callback(
        UUID id,
        String provider,
        String taskId,
        String status,
        Outcome outcome,
        List<String> alerts,
        String taskType,
        String family,
        String businessId,
        String sourceTaskId,
        String regenType,
        String failureReason,
        Map<String, String> details,
        Instant occurredAt,
        List<Result> results,
        String payload,
        Sha256 digest,
        String clientAddress,
        Origin origin,
        Instant receivedAt,
        Instant recordedAt) {

    /**
     * One file that a task produced.
     *
     * @param kind the code of a {@link ResultKind}
     * @param externalId the provider's id of the file; may be null
     * @param templateId the template it was made with; may be null
     * @param flagged whether the provider marked its content as unsafe
     */
    public record Result(String kind, String url, String externalId, String templateId, boolean flagged) {}

    TaskKey key() {
        return new TaskKey(provider, taskId);
    }
}
