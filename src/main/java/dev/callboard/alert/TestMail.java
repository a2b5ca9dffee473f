package dev.callboard.alert;

import dev.callboard.settings.Settings;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Variable;

/**
 * The bean {@code testMail} of the route {@code send-test-mail}: a mail to every address of the settings, and a line
 * that says whether it was accepted. Safe for any number of threads.
 */
public final class TestMail {
    private final MailComposer composer;
    private final MailHealthCheck health;
    private final List<String> addresses;
    private final String server;
    private final AtomicBoolean underWay = new AtomicBoolean();

    public TestMail(Settings settings, Recipients recipients, MailComposer composer, MailHealthCheck health) {
        this.composer = composer;
        this.health = health;
        this.addresses =
                recipients.all().stream().map(DeliveryResult::normalize).toList();
        this.server = MailServer.describe(settings);
    }

    /**
     * Begins a test mail, unless one is under way: a server that hangs would otherwise take a worker for each.
     *
     * @return whether it was begun; {@link #end} must follow then
     */
    public boolean begin() {
        return underWay.compareAndSet(false, true);
    }

    public void end() {
        underWay.set(false);
    }

    public MimeMessage compose() throws MessagingException {
        return composer.composeTest();
    }

    /**
     * The answer, in one line.
     *
     * @param failure the exception from sending the mail; null if the server accepted it for all recipients
     */
    public String answer(@Variable("failure") Exception failure) {
        DeliveryResult result =
                failure == null ? DeliveryResult.accepted(addresses) : DeliveryResult.failed(failure, addresses);
        health.update(result);
        List<String> accepted =
                addresses.stream().filter(result.accepted()::contains).toList();
        String sent = accepted.isEmpty()
                ? ""
                : "The test mail for " + String.join(", ", accepted) + " went to " + server + ".";
        if (result.error().isEmpty()) {
            return sent + "\n";
        }
        return (sent.isEmpty() ? "The test mail did not go to " + server + ": " : sent + " But ") + result.error()
                + "\n";
    }
}
