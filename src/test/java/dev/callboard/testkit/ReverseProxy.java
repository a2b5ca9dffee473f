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

/** A proxy on this machine that passes requests on, from 127.0.0.1, and says more or less about who asked. */
public final class ReverseProxy implements AutoCloseable {
    public enum Says {
        NOTHING,
        /** As nginx does with $proxy_add_x_forwarded_for: its peer at the end of what the caller sent. */
        APPENDS,
        /** Its peer in a line of its own, after the lines of the caller. */
        ADDS_A_LINE
    }

    private static final Set<String> ITS_OWN = Set.of("host", "connection", "content-length");
    private static final String X_FORWARDED_FOR = "X-Forwarded-For";

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final HttpServer server;
    private final int target;
    private final Says says;

    public ReverseProxy(int target, Says says) {
        this.target = target;
        this.says = says;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::pass);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private void pass(HttpExchange exchange) throws IOException {
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
            } else if (!ITS_OWN.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        switch (says) {
            case NOTHING -> {
                // Nor does it take away what the caller says.
            }
            case APPENDS -> {
                forwarded.add(peer);
                String all = String.join(", ", forwarded);
                forwarded.clear();
                forwarded.add(all);
            }
            case ADDS_A_LINE -> forwarded.add(peer);
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
