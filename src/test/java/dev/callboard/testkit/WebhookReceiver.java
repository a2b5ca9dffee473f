package dev.callboard.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server that receives what is posted to a webhook, and answers as it is told. Safe for any number of threads. */
public final class WebhookReceiver implements AutoCloseable {
    /** A path and query as chats have them, with a secret in both. */
    public static final String SECRET_PATH = "/hooks/T0123/s3cretPath%2Fx?sp=%2Ftriggers%2Fmanual&sig=s3cretQuery-_x";

    /** What was posted. */
    public record Posted(String path, Map<String, String> headers, String body, long nanos) {}

    /** An answer. */
    @FunctionalInterface
    public interface Answer {
        void write(HttpExchange exchange) throws IOException, InterruptedException;
    }

    private final HttpServer server;
    private final String scheme;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Posted> posted = new CopyOnWriteArrayList<>();
    private volatile Answer answer = status(200, "ok");

    public WebhookReceiver() throws IOException {
        this(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), "http");
    }

    /** One with TLS. */
    public WebhookReceiver(Certificates certificate) throws IOException {
        this(secure(certificate), "https");
    }

    private WebhookReceiver(HttpServer server, String scheme) {
        this.server = server;
        this.scheme = scheme;
        server.createContext("/", this::receive);
        server.setExecutor(threads);
        server.start();
    }

    private static HttpServer secure(Certificates certificate) throws IOException {
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(certificate.context()));
        return server;
    }

    private void receive(HttpExchange exchange) throws IOException {
        Map<String, String> headers = new HashMap<>();
        exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, String.join(",", values)));
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        posted.add(new Posted(
                exchange.getRequestMethod() + " " + exchange.getRequestURI(), headers, body, System.nanoTime()));
        try (exchange) {
            answer.write(exchange);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A status with a body and headers, each a name and a value. */
    public static Answer status(int status, String body, String... headers) {
        return exchange -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        };
    }

    public void answer(Answer next) {
        answer = next;
    }

    public String url() {
        return scheme + "://localhost:" + server.getAddress().getPort() + SECRET_PATH;
    }

    /** The settings that send alerts to it. */
    public Map<String, String> settings(String format) {
        return new HashMap<>(Map.of(
                "callboard.alerts.webhook.url",
                url(),
                "callboard.alerts.webhook.format",
                format,
                "callboard.alerts.to",
                "ops@example.test, webhook",
                "callboard.alerts.from",
                "callboard@example.test"));
    }

    public List<Posted> posted() {
        return posted;
    }

    /** The bodies that have a text. */
    public List<String> bodies(String containing) {
        return posted.stream()
                .map(Posted::body)
                .filter(body -> body.contains(containing))
                .toList();
    }

    /** Listens no more. */
    public void stop() {
        server.stop(0);
    }

    @Override
    public void close() {
        stop();
        threads.shutdownNow();
    }
}
