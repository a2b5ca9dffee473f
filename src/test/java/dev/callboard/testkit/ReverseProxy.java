package dev.callboard.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A reverse proxy on this machine that forwards requests from 127.0.0.1, with or without the address of its client. */
public final class ReverseProxy implements AutoCloseable {
    /** What happens to X-Forwarded-For. */
    public enum Mode {
        ADDS_NO_HEADER,
        /** As nginx does with $proxy_add_x_forwarded_for: adds its peer to the end of what the client sent. */
        APPENDS_TO_HEADER,
        /** Adds a header with its peer after those of the client. */
        ADDS_A_HEADER
    }

    private static final Set<String> NOT_FORWARDED = Set.of("host", "connection", "content-length");
    private static final String X_FORWARDED_FOR = "X-Forwarded-For";

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final HttpServer server;
    private final int target;
    private final Mode mode;

    public ReverseProxy(int target, Mode mode) {
        this.target = target;
        this.mode = mode;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::forward);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private void forward(HttpExchange exchange) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + target + exchange.getRequestURI()))
                .method(
                        exchange.getRequestMethod(),
                        HttpRequest.BodyPublishers.ofByteArray(
                                exchange.getRequestBody().readAllBytes()));
        String peer = exchange.getRemoteAddress().getAddress().getHostAddress();
        List<String> forwarded = new ArrayList<>();
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (name.equalsIgnoreCase(X_FORWARDED_FOR)) {
                forwarded.addAll(values);
            } else if (!NOT_FORWARDED.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        switch (mode) {
            case ADDS_NO_HEADER -> {
                // What the client sent is forwarded as it is.
            }
            case APPENDS_TO_HEADER -> {
                forwarded.add(peer);
                String all = String.join(", ", forwarded);
                forwarded.clear();
                forwarded.add(all);
            }
            case ADDS_A_HEADER -> forwarded.add(peer);
        }
        forwarded.forEach(value -> request.header(X_FORWARDED_FOR, value));
        try {
            HttpResponse<byte[]> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            exchange.sendResponseHeaders(answer.statusCode(), -1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
