package dev.callboard.testkit;

import dev.callboard.task.Callback;
import dev.callboard.task.Origin;
import dev.callboard.task.Outcome;
import dev.callboard.text.Sha256;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Callbacks as they are recorded, for tests that need no HTTP. */
public final class Callbacks {
    /** The time at which the first of them is received by default. */
    public static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private Callbacks() {}

    /**
     * A callback that is received so many seconds after noon.
     *
     * @param occurredAt so many seconds after noon by the provider's clock; null if it gives no time
     * @param alerts the kinds that apply
     */
    public static Callback callback(
            String taskId, String status, Outcome outcome, Integer occurredAt, int receivedAt, String... alerts) {
        UUID id = UUID.randomUUID();
        String payload = "{\"id\": \"" + id + "\"}";
        return new Callback(
                id,
                "fotor",
                taskId,
                status,
                outcome,
                List.of(alerts),
                null,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                occurredAt == null ? null : NOON.plusSeconds(occurredAt),
                List.of(),
                payload,
                Sha256.of(payload),
                "192.0.2.1",
                Origin.CALLBACK,
                NOON.plusSeconds(receivedAt),
                NOON.plusSeconds(receivedAt));
    }

    /** The same callback with a file. */
    public static Callback withResult(Callback callback, String url) {
        return copy(
                callback,
                callback.id(),
                List.of(new Callback.Result("image", url, null, null, false)),
                callback.payload(),
                callback.receivedAt());
    }

    /** The same callback with a video. */
    public static Callback withVideo(Callback callback, String url) {
        return copy(
                callback,
                callback.id(),
                List.of(new Callback.Result("video", url, null, null, false)),
                callback.payload(),
                callback.receivedAt());
    }

    /** What a look-up finds that says the same, so many seconds after noon. */
    public static Callback lookedUp(Callback callback, int askedAt) {
        return copy(
                callback,
                UUID.randomUUID(),
                callback.results(),
                callback.payload(),
                Origin.LOOKUP,
                NOON.plusSeconds(askedAt),
                NOON.plusSeconds(askedAt));
    }

    /** Another callback with the same body, received so many seconds after noon. */
    public static Callback duplicate(Callback callback, int receivedAt) {
        return received(callback, callback.payload(), NOON.plusSeconds(receivedAt));
    }

    /** Another callback that says the same, with its own body and time. */
    public static Callback received(Callback callback, String payload, Instant receivedAt) {
        return copy(callback, UUID.randomUUID(), callback.results(), payload, receivedAt);
    }

    /** The same callback, replayed from the quarantine so many seconds after noon. */
    public static Callback replayed(Callback callback, int recordedAt) {
        return copy(
                callback,
                callback.id(),
                callback.results(),
                callback.payload(),
                Origin.REPLAY,
                callback.receivedAt(),
                NOON.plusSeconds(recordedAt));
    }

    private static Callback copy(
            Callback callback, UUID id, List<Callback.Result> results, String payload, Instant receivedAt) {
        return copy(callback, id, results, payload, callback.origin(), receivedAt, receivedAt);
    }

    private static Callback copy(
            Callback callback,
            UUID id,
            List<Callback.Result> results,
            String payload,
            Origin origin,
            Instant receivedAt,
            Instant recordedAt) {
        return new Callback(
                id,
                callback.provider(),
                callback.taskId(),
                callback.status(),
                callback.outcome(),
                callback.alerts(),
                callback.taskType(),
                callback.family(),
                callback.businessId(),
                callback.sourceTaskId(),
                callback.regenType(),
                callback.failureReason(),
                callback.details(),
                callback.occurredAt(),
                results,
                payload,
                Sha256.of(payload),
                callback.clientAddress(),
                origin,
                receivedAt,
                recordedAt);
    }
}
