package dev.callboard.alert;

import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Says DOWN on {@code /observe/health}, and why, while the mail server refuses what only other settings can mend. It
 * takes no part in readiness or liveness: callbacks are taken all the same.
 */
public final class MailHealthCheck extends AbstractHealthCheck {
    private final Delivery delivery;

    public MailHealthCheck(Delivery delivery) {
        super("callboard", "mail");
        this.delivery = delivery;
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
        delivery.fault().ifPresentOrElse(why -> builder.message(why).down(), builder::up);
    }
}
