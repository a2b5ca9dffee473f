package dev.callboard.event;

import dev.callboard.event.DeliveryFailedException.Kind;
import dev.callboard.http.ClientLimits;
import dev.callboard.settings.Settings;
import dev.callboard.text.RetryAfter;
import dev.callboard.text.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.util.Timeout;

/**
 * The bean {@code webhook} of the route {@code send-webhook}: posts an event to {@code callboard.events.url}, signed as
 * Standard Webhooks says. A status of 2xx is success, whatever follows it. A request ends after {@link #TIMEOUT} as a whole.
 * Its answer is read up to {@link #MAX_BYTES} only, and quoted in one short line if it is an error. Safe for use by any
 * number of threads.
 */
public final class Webhook implements AutoCloseable {
    /** How many requests may run at a time. */
    static final int CONNECTIONS = 32;

    private static final Duration TIMEOUT = Duration.ofSeconds(15);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final int MAX_BYTES = 64 * 1024;
    private static final int MAX_SHOWN = 200;

    /** Becomes a header. */
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,100}");

    private final Optional<URI> url;
    private final WebhookSignature signature;
    private final Duration timeout;
    private final ClientLimits limits;
    private final CloseableHttpClient client;
    private final Clock clock;

    public Webhook(Settings.Events settings, Clock clock) {
        this(settings, clock, TIMEOUT);
    }

    Webhook(Settings.Events settings, Clock clock, Duration timeout) {
        this.url = settings.url();
        this.signature = new WebhookSignature(settings.secrets());
        this.timeout = timeout;
        this.limits = new ClientLimits(timeout, MAX_BYTES);
        this.client = client(limits, timeout);
        this.clock = clock;
    }

    private static CloseableHttpClient client(ClientLimits limits, Duration timeout) {
        HttpClientBuilder builder = HttpClientBuilder.create();
        limits.configureHttpClient(builder);
        return builder.setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                        .useSystemProperties()
                        .setMaxConnTotal(CONNECTIONS)
                        .setMaxConnPerRoute(CONNECTIONS)
                        .setDefaultConnectionConfig(ConnectionConfig.custom()
                                .setConnectTimeout(Timeout.of(CONNECT_TIMEOUT))
                                .setSocketTimeout(Timeout.of(timeout))
                                // The receiver may have closed it meanwhile, and nothing is sent again unseen.
                                .setValidateAfterInactivity(100, TimeUnit.MILLISECONDS)
                                .build())
                        .build())
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setConnectionRequestTimeout(Timeout.of(timeout))
                        .setResponseTimeout(Timeout.of(timeout))
                        .build())
                .useSystemProperties()
                .disableContentCompression()
                .build();
    }

    /** Where events are posted, without the parts of the URL that may be secret; empty if there is no URL. */
    Optional<String> host() {
        return url.map(to -> to.getHost() + (to.getPort() < 0 ? "" : ":" + to.getPort()));
    }

    /**
     * Posts the body of an exchange under the id in its variable {@code eventId}. Does nothing if there is no URL.
     *
     * @throws DeliveryFailedException if it is not answered 2xx
     * @throws IllegalArgumentException if the variable is no id, or there is no body
     */
    public void send(Exchange exchange) throws DeliveryFailedException {
        if (url.isEmpty()) {
            return;
        }
        String id = exchange.getVariable("eventId", String.class);
        String body = exchange.getMessage().getBody(String.class);
        if (id == null || !ID.matcher(id).matches()) {
            throw new IllegalArgumentException("the variable eventId is not an id of letters, digits, - and _");
        }
        if (body == null) {
            throw new IllegalArgumentException("the event has no body");
        }
        post(url.get(), id, body.getBytes(StandardCharsets.UTF_8));
    }

    private void post(URI to, String id, byte[] body) throws DeliveryFailedException {
        Instant now = clock.instant();
        HttpPost request = new HttpPost(to);
        request.setEntity(new ByteArrayEntity(body, ContentType.APPLICATION_JSON));
        request.setHeader("webhook-id", id);
        request.setHeader("webhook-timestamp", String.valueOf(now.getEpochSecond()));
        if (signature.isUsed()) {
            request.setHeader("webhook-signature", signature.sign(id, now, body));
        }
        long begin = System.nanoTime();
        Answer[] answer = new Answer[1];
        try {
            client.execute(request, response -> {
                answer[0] = new Answer(response);
                answer[0].read(response);
                return null;
            });
        } catch (IOException e) {
            if (answer[0] == null) {
                throw new DeliveryFailedException(Kind.UNAVAILABLE, "no answer" + why(e, begin));
            }
            // Its status is known, and its body is too long, too slow or broken.
        }
        answer[0].check(clock.instant());
    }

    private String why(IOException e, long begin) {
        if (System.nanoTime() - begin >= timeout.toNanos()) {
            return " within " + timeout.toSeconds() + " s";
        }
        return " (" + e.getClass().getSimpleName() + ")";
    }

    /** What the receiver said. */
    private static final class Answer {
        private final int status;
        private final String retryAfter;
        private String text = "";

        Answer(ClassicHttpResponse response) {
            this.status = response.getCode();
            Header header = response.getFirstHeader("Retry-After");
            this.retryAfter = header == null ? null : header.getValue();
        }

        /** To its end, so that the connection can be used again. */
        void read(ClassicHttpResponse response) throws IOException {
            if (response.getEntity() == null) {
                return;
            }
            try (InputStream in = response.getEntity().getContent()) {
                byte[] beginning = in.readNBytes(MAX_SHOWN * 4);
                text = SafeText.line(new String(beginning, StandardCharsets.UTF_8), MAX_SHOWN);
                in.transferTo(OutputStream.nullOutputStream());
            }
        }

        void check(Instant now) throws DeliveryFailedException {
            if (status >= 200 && status < 300) {
                return;
            }
            String what = "HTTP " + status + (text.isEmpty() ? "" : ": " + text);
            Optional<Duration> wait =
                    status == 429 || status == 503 ? RetryAfter.read(retryAfter, now) : Optional.empty();
            if (wait.isPresent()) {
                throw new DeliveryFailedException(Kind.THROTTLED, what, wait);
            }
            throw new DeliveryFailedException(
                    switch (status) {
                        case 410 -> Kind.GONE;
                        // What the receiver says of this event; any other status may be one for all events.
                        case 400, 409, 411, 413, 415, 422 -> Kind.REJECTED;
                        default -> Kind.UNAVAILABLE;
                    },
                    status >= 300 && status < 400 ? "HTTP " + status + ", a redirect, which is not followed" : what);
        }
    }

    /** Ends the requests that are under way. */
    @Override
    public void close() throws IOException {
        limits.close();
        client.close();
    }
}
