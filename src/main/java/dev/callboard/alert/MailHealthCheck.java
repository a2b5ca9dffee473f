package dev.callboard.alert;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * The health check {@code mail} on {@code /observe/health}: DOWN, with the reason, while the mail server or the chat
 * rejects what is sent until the settings are corrected, and while a mail or a message has failed for an hour. Readiness and liveness do not depend on
 * it, since callbacks are recorded all the same. Safe for any number of threads.
 */
public final class MailHealthCheck extends AbstractHealthCheck {
    /** How long a mail may fail before the check is DOWN. */
    static final Duration STUCK_AFTER = Duration.ofHours(1);

    /** Why nothing can be sent over a channel; has none once something has been accepted again. */
    private final Map<Channel, String> faults = new ConcurrentHashMap<>();

    /** When the oldest mail of a channel was created that is stuck. */
    private final Map<Channel, Instant> stuckSince = new ConcurrentHashMap<>();

    public MailHealthCheck() {
        super("callboard", "mail");
    }

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

    @Override
    public boolean isReadiness() {
        return false;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
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
        if (reasons.isEmpty()) {
            builder.up();
        } else {
            builder.message(String.join("; ", reasons)).down();
        }
    }
}
