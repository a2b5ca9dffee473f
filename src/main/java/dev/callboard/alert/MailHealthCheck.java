package dev.callboard.alert;

import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * The health check {@code mail} on {@code /observe/health}: DOWN, with the reason, while the mail server rejects mails
 * until the settings are corrected. Readiness and liveness do not depend on it, since callbacks are recorded all the
 * same. Safe for any number of threads.
 */
public final class MailHealthCheck extends AbstractHealthCheck {
    /** Why no mail can be sent; empty once a mail has been accepted again. */
    private volatile String fault = "";

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
        if (now.isEmpty()) {
            builder.up();
        } else {
            builder.message(now).down();
        }
    }
}
