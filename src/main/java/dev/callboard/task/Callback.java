package dev.callboard.task;

import dev.callboard.text.Sha256;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * One callback as its route understood it: what is written down. Texts are cleaned and no longer than their columns.
 *
 * @param alerts the kinds that apply, the most important first; empty for none
 * @param details what a mail shows of it beside the reason: labels and texts
 * @param occurredAt the provider's own time, to the microsecond; null if it gave none that can be believed
 * @param payload the body as received
 * @param digest the payload's SHA-256: what makes a repeat
 * @param origin how it reached us: {@link #DIRECT} or {@link #REPLAY}
 * @param receivedAt when it first reached us
 */
public record Callback(
        UUID id,
        String provider,
        String taskId,
        String status,
        Outcome outcome,
        List<String> alerts,
        String taskType,
        String businessId,
        String sourceTaskId,
        String regenType,
        String failureReason,
        Map<String, String> details,
        Instant occurredAt,
        List<Result> results,
        String payload,
        Sha256 digest,
        String sourceAddress,
        String origin,
        Instant receivedAt) {

    /** The provider called us. */
    static final String DIRECT = "callback";

    /** It was sent again from the quarantine. */
    static final String REPLAY = "replay";

    /**
     * One file that a task produced.
     *
     * @param kind image or video
     * @param externalId the provider's id of the file; may be null
     * @param templateId the template it was made with; may be null
     */
    public record Result(String kind, String url, String externalId, String templateId, boolean flagged) {}

    TaskKey key() {
        return new TaskKey(provider, taskId);
    }
}
