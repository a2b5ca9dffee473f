package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.callboard.event.DeliveryFailedException.Kind;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.EventReceiver.Behavior;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One request, whatever the receiver answers. */
@Timeout(30)
final class WebhookTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(1);

    private final EventReceiver receiver = new EventReceiver();

    @AfterEach
    void close() {
        receiver.close();
    }

    private static Exchange exchange(String id, String body) {
        Exchange exchange = new DefaultExchange(new DefaultCamelContext());
        exchange.setVariable("eventId", id);
        exchange.getMessage().setBody(body);
        return exchange;
    }

    private void send() throws IOException, DeliveryFailedException {
        send(Optional.of(URI.create(receiver.url())));
    }

    private static void send(Optional<URI> url) throws IOException, DeliveryFailedException {
        Settings.Events settings = new Settings.Events(
                Settings.EventsEnabled.AUTO, url, List.of(), Duration.ofDays(3), Duration.ofDays(7));
        try (Webhook webhook = new Webhook(settings, Clock.systemUTC(), TIMEOUT)) {
            webhook.send(exchange("an-id", "{\"text\": \"\u00e4\"}"));
        }
    }

    private DeliveryFailedException failure(Behavior behavior) {
        receiver.behave(behavior);
        return catchThrowableOfType(DeliveryFailedException.class, this::send);
    }

    @Test
    void postsTheBodyAsItIs() throws Exception {
        send();
        EventReceiver.Request request = receiver.requests().get(0);
        assertThat(request.body()).isEqualTo("{\"text\": \"\u00e4\"}");
        assertThat(request.path()).isEqualTo("/events?key=value");
        assertThat(request.headers())
                .containsEntry("webhook-id", "an-id")
                .containsEntry("user-agent", "Callboard")
                .doesNotContainKey("webhook-signature");
        assertThat(request.headers().get("content-type")).startsWith("application/json");
        assertThat(Long.parseLong(request.headers().get("webhook-timestamp")))
                .isBetween(System.currentTimeMillis() / 1000 - 5, System.currentTimeMillis() / 1000);
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 202, 204, 299})
    void succeedsWithAnyStatusOf2xx(int status) {
        receiver.behave(EventReceiver.status(status));
        assertThatCode(this::send).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "301, UNAVAILABLE", "302, UNAVAILABLE", "307, UNAVAILABLE", "400, REJECTED", "401, UNAVAILABLE",
                "403, UNAVAILABLE",
        "404, UNAVAILABLE", "408, UNAVAILABLE", "409, REJECTED", "410, GONE", "413, REJECTED", "422, REJECTED",
        "429, UNAVAILABLE", "500, UNAVAILABLE", "502, UNAVAILABLE", "503, UNAVAILABLE"
    })
    void failsWithAnyOtherStatus(int status, String kind) {
        DeliveryFailedException failure = failure(EventReceiver.status(status, "", "Location", "http://127.0.0.1:1/"));
        assertThat(failure.kind()).isEqualTo(Kind.valueOf(kind));
        assertThat(failure).hasMessageStartingWith("HTTP " + status);
        assertThat(receiver.requests()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"429, 7, 7", "503, 7, 7", "429, soon,", "500, 7,"})
    void takesTheTimeThatTheReceiverWants(int status, String retryAfter, Long seconds) {
        DeliveryFailedException failure = failure(EventReceiver.status(status, "", "Retry-After", retryAfter));
        assertThat(failure.retryAfter()).isEqualTo(Optional.ofNullable(seconds).map(Duration::ofSeconds));
        assertThat(failure.kind()).isEqualTo(seconds == null ? Kind.UNAVAILABLE : Kind.THROTTLED);
    }

    @Test
    void quotesTheBeginningOfAnErrorOnOneLine() {
        DeliveryFailedException failure =
                failure(EventReceiver.status(500, "first\r\nsecond\u202e" + "x".repeat(5000)));
        assertThat(failure.getMessage())
                .startsWith("HTTP 500: first second x")
                .hasSizeLessThan(250)
                .doesNotContain("\n")
                .doesNotContain("\u202e");
    }

    @Test
    void doesNotWaitForTheEndOfAnAnswer() {
        receiver.behave(EventReceiver.endless(200));
        assertThatCode(this::send).doesNotThrowAnyException();
        receiver.behave(EventReceiver.drip(200, Duration.ofMillis(50)));
        assertThatCode(this::send).doesNotThrowAnyException();
        assertThat(failure(EventReceiver.endless(500))).hasMessageStartingWith("HTTP 500");
        assertThat(failure(EventReceiver.drip(500, Duration.ofMillis(50)))).hasMessageStartingWith("HTTP 500");
    }

    @Test
    void failsIfThereIsNoAnswer() {
        assertThat(failure(EventReceiver.silence())).hasMessage("no answer within 1 s");
        assertThat(failure(EventReceiver.reset())).hasMessageMatching("no answer \\(\\w+\\)");
        assertThat(receiver.requests()).as("sends nothing again unseen").hasSize(2);
        receiver.stopListening();
        DeliveryFailedException failure = failure(EventReceiver.status(204));
        assertThat(failure).hasMessage("no answer (HttpHostConnectException)");
        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void doesNothingWithoutAUrl() {
        assertThatCode(() -> send(Optional.empty())).doesNotThrowAnyException();
    }
}
