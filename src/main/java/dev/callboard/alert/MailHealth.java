package dev.callboard.alert;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Whether mails and messages to the chat go out: not while the mail server or the chat rejects what is sent until the
 * settings are corrected, nor while a mail or a message has failed for an hour. Safe for use by any number of threads.
 */
public final class MailHealth {
    /** How long a mail may fail before that is a fault. */
    static final Duration STUCK_AFTER = Duration.ofHours(1);

    /** Why nothing can be sent over a channel; has none once something has been accepted again. */
    private final Map<Channel, String> faults = new ConcurrentHashMap<>();

    /** When the oldest mail of a channel was created that is stuck. */
    private final Map<Channel, Instant> stuckSince = new ConcurrentHashMap<>();

    /** Updates the state after an attempt to send a mail. */
    void update(Channel channel, DeliveryResult result) {
        if (result.settingsAtFault()) {
            faults.put(channel, result.error());
        } else if (!result.accepted().isEmpty()) {
            faults.remove(channel);
        }
    }

    /** Updates when the oldest mail of a channel was created that is stuck; empty if none is. */
    void updateStuck(Channel channel, Optional<Instant> since) {
        since.ifPresentOrElse(at -> stuckSince.put(channel, at), () -> stuckSince.remove(channel));
    }

    /** Whether a mail that was created at a time and is attempted again and again is stuck. */
    static boolean isStuck(Instant createdAt, Instant now) {
        return createdAt.plus(STUCK_AFTER).isBefore(now);
    }

    /** Why nothing goes out over a channel; empty if all does. */
    public Optional<String> fault() {
        List<String> reasons = new ArrayList<>();
        for (Channel channel : Channel.values()) {
            String fault = faults.get(channel);
            Instant stuck = stuckSince.get(channel);
            if (fault != null) {
                reasons.add(fault);
            } else if (stuck != null) {
                reasons.add((channel == Channel.MAIL ? "a mail" : "a message to the chat")
                        + " has failed on each attempt since " + stuck
                        + " (GET /mails on the management port shows the error)");
            }
        }
        return reasons.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", reasons));
    }
}
