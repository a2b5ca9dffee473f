package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.testkit.Fault;
import dev.callboard.testkit.SimulatedFotor;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The limits of a request, whatever the answer. */
@Timeout(20)
final class ClientLimitsTest {
    private final SimulatedFotor fotor = new SimulatedFotor();
    private final String id = fotor.start("avatar").id();

    @AfterEach
    void close() {
        fotor.close();
    }

    @Test
    void readsAnAnswerWithinTheLimits() throws IOException {
        assertThat(get(Duration.ofSeconds(10), 10_000)).contains(id);
    }

    @Test
    void endsARequestWhoseAnswerIsTooLong() {
        fotor.misbehave(Fault.endless());
        assertThatThrownBy(() -> get(Duration.ofSeconds(10), 100_000))
                .isInstanceOf(IOException.class)
                .hasMessage("the answer is longer than 100000 bytes");
    }

    @Test
    void endsARequestWhoseAnswerArrivesByteByByte() {
        fotor.misbehave(Fault.trickle(Duration.ofMillis(50)));
        assertThatThrownBy(() -> get(Duration.ofSeconds(1), 100_000)).isInstanceOf(IOException.class);
    }

    @Test
    void endsARequestThatIsNotAnswered() {
        fotor.misbehave(Fault.until(new CompletableFuture<>()));
        assertThatThrownBy(() -> get(Duration.ofSeconds(1), 100_000)).isInstanceOf(IOException.class);
    }

    @Test
    void followsNoRedirect() throws IOException {
        fotor.misbehave(Fault.redirect());
        get(Duration.ofSeconds(10), 100_000);
        assertThat(fotor.elsewhere().total()).isZero();
    }

    @Test
    void sendsNothingAgain() {
        fotor.misbehave(1, Fault.reset());
        assertThatThrownBy(() -> get(Duration.ofSeconds(10), 100_000)).isInstanceOf(IOException.class);
        assertThat(fotor.requests().total()).isEqualTo(1);
    }

    private String get(Duration timeout, int maxBytes) throws IOException {
        HttpGet request = new HttpGet(fotor.url() + "/v1/aiart/tasks/" + id);
        request.setHeader("Authorization", "Bearer " + SimulatedFotor.KEY);
        HttpClientBuilder builder = HttpClientBuilder.create();
        try (ClientLimits limits = new ClientLimits(timeout, maxBytes)) {
            limits.configureHttpClient(builder);
            try (CloseableHttpClient client = builder.build()) {
                return client.execute(request, response -> EntityUtils.toString(response.getEntity()));
            }
        }
    }
}
