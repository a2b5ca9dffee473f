package dev.callboard.testkit;

import java.time.Instant;
import java.util.List;

/**
 * A task as a simulated provider stores it. {@link SimulatedProvider} moves it on.
 *
 * @param type Fotor's type, such as {@code videoEnhancer}, or Creatify's family, such as {@code lipsyncs}
 * @param status as sent; a number at Fotor
 * @param reason why it or a part of it failed, or null
 * @param urls its results so far
 * @param flagged whether Fotor found sensitive content
 */
public record SimulatedTask(
        String id,
        String type,
        String status,
        String reason,
        List<String> urls,
        boolean flagged,
        Instant createdAt,
        Instant updatedAt) {

    /** The task in another state. */
    public SimulatedTask with(String status, String reason, List<String> urls, boolean flagged) {
        return new SimulatedTask(id, type, status, reason, urls, flagged, createdAt, updatedAt);
    }

    public SimulatedTask withUpdatedAt(Instant updatedAt) {
        return new SimulatedTask(id, type, status, reason, urls, flagged, createdAt, updatedAt);
    }
}
