package dev.callboard.alert;

import dev.callboard.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Variable;
import org.apache.camel.spi.ThreadPoolProfile;

/**
 * The bean {@code chat} of the routes {@code send-to-chat} and {@code post-to-chat}: composes a message for the webhook of the
 * settings, and reads its answer. The URL is a secret: it is in no endpoint, but in a header of the exchange for as long as
 * the request takes. Safe for any number of threads.
 */
public final class Chat {
    /** For a request and its answer; far shorter than {@link Outbox#LEASE_TIMEOUT}. */
    public static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** How much of an answer is read. */
    public static final int MAX_ANSWER_BYTES = 64 * 1024;

    /** The variable with the {@link DeliveryResult} of an attempt. */
    private static final String ANSWER = "answer";

    private final Settings.Webhook webhook;
    private final MailComposer composer;
    private final Clock clock;
    private final ChatAnswer answers;

    /** @param settings may have no webhook; then nothing else may be called */
    public Chat(Settings settings, MailComposer composer, Clock clock) {
        this.webhook = settings.alerts().webhook().orElse(null);
        this.composer = composer;
        this.clock = clock;
        this.answers = webhook == null ? null : new ChatAnswer(webhook.url());
    }

    /** The threads of the route {@code send-to-chat}. */
    public static ThreadPoolProfile threads() {
        return MailServer.threads("chatThreads", Channel.WEBHOOK);
    }

    /**
     * Makes the message about a leased mail the next request, and renews its lease.
     *
     * @throws IOException if it must not be posted, since the lease is lost or the database is away
     */
    public void compose(@Variable("mail") LeasedMail mail, Exchange exchange) throws IOException {
        Map<String, Object> model = composer.model().of(mail.kind(), mail.provider(), mail.content());
        ChatText text = ChatText.of(mail, model, composer.heading(model));
        request(exchange, ChatMessage.of(webhook.format(), text));
        mail.beforeHandOver().run();
    }

    /** Makes a test message the next request. */
    public void composeTest(Exchange exchange) {
        String heading = composer.heading(composer.model().ofTest());
        ChatText text = ChatText.ofTest("<" + UUID.randomUUID() + "@callboard>", heading);
        request(exchange, ChatMessage.of(webhook.format(), text));
    }

    private void request(Exchange exchange, ChatMessage message) {
        Message request = exchange.getMessage();
        request.removeHeaders("*");
        request.setBody(message.body().getBytes(StandardCharsets.UTF_8));
        message.headers().forEach(request::setHeader);
        request.setHeader(Exchange.CONTENT_TYPE, message.contentType());
        request.setHeader(Exchange.HTTP_METHOD, "POST");
        request.setHeader(Exchange.HTTP_URI, webhook.url().toString());
    }

    /** Reads the answer, and sets what it means. An answer that can't be read to its end counts by its status. */
    public void read(Exchange exchange) {
        Message message = exchange.getMessage();
        int status = message.getHeader(Exchange.HTTP_RESPONSE_CODE, 0, Integer.class);
        String retryAfter = message.getHeader("Retry-After", String.class);
        String body = beginning(message.getBody(InputStream.class));
        forget(message);
        exchange.setVariable(ANSWER, answers.of(status, retryAfter, body, clock.instant()));
    }

    private static String beginning(InputStream answer) {
        if (answer == null) {
            return "";
        }
        try (answer) {
            return new String(answer.readNBytes(MAX_ANSWER_BYTES), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    /** Sets what it means that there is no answer. */
    public void fail(Exchange exchange) {
        Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        forget(exchange.getMessage());
        exchange.setVariable(ANSWER, answers.none(failure));
    }

    /** Nothing of a request or an answer stays. */
    private static void forget(Message message) {
        message.setBody(null);
        message.removeHeaders("*");
    }

    /** Where messages to the chat go, as text for log lines and answers; empty without one. */
    public static String describe(Settings settings) {
        return settings.alerts()
                .webhook()
                .map(webhook -> webhook.host() + ", " + webhook.format().code())
                .orElse("");
    }
}
