package dev.callboard.alert;

import dev.callboard.settings.Settings;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.Variable;

/**
 * The bean {@code testMail} of the route {@code send-test-mail}: a mail to every address of the settings, a message
 * to the chat, and a line for each that says whether it was accepted. Safe for any number of threads.
 */
public final class TestMail {
    private final MailComposer composer;
    private final MailHealth health;
    private final List<String> addresses;
    private final String server;
    private final String chat;
    private final AtomicBoolean underWay = new AtomicBoolean();

    public TestMail(Settings settings, Recipients recipients, MailComposer composer, MailHealth health) {
        this.composer = composer;
        this.health = health;
        this.addresses =
                recipients.addresses().stream().map(DeliveryResult::normalize).toList();
        this.server = MailServer.describe(settings);
        this.chat = Chat.describe(settings);
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

    /** Whether the settings have a chat. */
    public boolean hasChat() {
        return !chat.isEmpty();
    }

    /** Whether the settings have a mail address. */
    public boolean hasAddresses() {
        return !addresses.isEmpty();
    }

    /**
     * The answer: a line about the mail and one about the chat, as far as the settings have them. The variable {@code code}
     * becomes the HTTP status.
     *
     * @param failure the exception from sending the mail; null if the server accepted it for all recipients
     * @param posted the result of the message to the chat; null if there is none
     */
    public String answer(
            @Variable("failure") Exception failure, @Variable("answer") DeliveryResult posted, Exchange exchange) {
        StringBuilder answer = new StringBuilder();
        boolean isSent = true;
        if (hasAddresses()) {
            DeliveryResult sent =
                    failure == null ? DeliveryResult.accepted(addresses) : DeliveryResult.failed(failure, addresses);
            health.update(Channel.MAIL, sent);
            isSent = sent.error().isEmpty();
            answer.append(line(sent));
        }
        if (posted != null) {
            health.update(Channel.WEBHOOK, posted);
            isSent &= posted.error().isEmpty();
            answer.append(
                    posted.error().isEmpty()
                            ? "The test message went to the chat at " + chat + "."
                            : "The test message did not go to the chat at " + chat + ": " + posted.error());
            answer.append('\n');
        }
        exchange.setVariable("code", isSent ? "200" : "502");
        return answer.toString();
    }

    private String line(DeliveryResult result) {
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
