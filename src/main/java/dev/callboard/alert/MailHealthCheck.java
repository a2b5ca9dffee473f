package dev.callboard.alert;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * The health check {@code mail} on {@code /observe/health}: DOWN, with the reason, while the mail server rejects mails
 * until the settings are corrected, and while a mail has failed for an hour. Readiness and liveness do not depend on
 * it, since callbacks are recorded all the same. Safe for any number of threads.
 */
public final class MailHealthCheck extends AbstractHealthCheck {
    /** How long a mail may fail before the check is DOWN. */
    static final Duration STUCK_AFTER = Duration.ofHours(1);

    /** Why no mail can be sent; empty once a mail has been accepted again. */
    private volatile String fault = "";

    /** When the oldest mail was created that is stuck. */
    private volatile Optional<Instant> stuckSince = Optional.empty();

    public MailHealthCheck() {
        super("callboard", "mail");
    }

    /** Updates the state after an attempt to send a mail. */
    void update(DeliveryResult result) {
        if (result.settingsAtFault()) {
            fault = result.error();
        } else if (!result.accepted().isEmpty()) {
            fault = "";
        }
    }

    /** Updates when the oldest mail was created that is stuck; empty if none is. */
    void updateStuck(Optional<Instant> since) {
        stuckSince = since;
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
        String now = fault;
        Optional<Instant> stuck = stuckSince;
        if (!now.isEmpty()) {
            builder.message(now).down();
        } else if (stuck.isPresent()) {
            builder.message("a mail has failed on each attempt since " + stuck.get()
                            + " (GET /mails on the management port shows the error)")
                    .down();
        } else {
            builder.up();
        }
    }
}
