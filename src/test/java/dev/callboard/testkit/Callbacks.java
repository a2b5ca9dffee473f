package dev.callboard.testkit;

import dev.callboard.task.Callback;
import dev.callboard.task.Outcome;
import dev.callboard.text.Sha256;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Callbacks as a route hands them to the ledger, for tests that need no HTTP. */
public final class Callbacks {
    /** When the first of them is received, if a test says nothing else. */
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
                Map.of(),
                occurredAt == null ? null : NOON.plusSeconds(occurredAt),
                List.of(),
                payload,
                Sha256.of(payload),
                "192.0.2.1",
                "callback",
                NOON.plusSeconds(receivedAt));
    }

    /** The same callback with a file. */
    public static Callback withResult(Callback callback, String url) {
        return copy(
                callback,
                callback.id(),
                List.of(new Callback.Result("image", url, null, null, false)),
                callback.receivedAt());
    }

    /** The same body once more, so many seconds after noon: another callback with the same digest. */
    public static Callback repeat(Callback callback, int receivedAt) {
        return copy(callback, UUID.randomUUID(), callback.results(), NOON.plusSeconds(receivedAt));
    }

    private static Callback copy(Callback callback, UUID id, List<Callback.Result> results, Instant receivedAt) {
        return new Callback(
                id,
                callback.provider(),
                callback.taskId(),
                callback.status(),
                callback.outcome(),
                callback.alerts(),
                callback.taskType(),
                callback.businessId(),
                callback.sourceTaskId(),
                callback.regenType(),
                callback.failureReason(),
                callback.details(),
                callback.occurredAt(),
                results,
                callback.payload(),
                callback.digest(),
                callback.sourceAddress(),
                callback.origin(),
                receivedAt);
    }
}
