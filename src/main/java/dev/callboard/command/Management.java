package dev.callboard.command;

import dev.callboard.settings.Settings;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;

/** The management port of the Callboard that runs with the same settings, on this machine. */
final class Management {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final String ALL_IPV4 = "0.0.0.0";
    private static final String ALL_IPV6 = "::";

    private Management() {}

    /** A request with the password of the settings. */
    static HttpRequest.Builder request(Settings settings, String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url(settings.management()) + path));
        settings.management()
                .password()
                .ifPresent(password -> request.header(
                        "Authorization",
                        "Basic "
                                + Base64.getEncoder()
                                        .encodeToString((":" + password).getBytes(StandardCharsets.UTF_8))));
        return request;
    }

    private static String url(Settings.Management management) {
        String host =
                switch (management.host()) {
                    case ALL_IPV4 -> "127.0.0.1";
                    case ALL_IPV6 -> "[::1]";
                    default -> management.host().contains(":") ? "[" + management.host() + "]" : management.host();
                };
        return "http://" + host + ":" + management.port();
    }

    /** @throws CommandFailedException if nothing listens there */
    static <T> HttpResponse<T> send(HttpRequest request, Settings settings, HttpResponse.BodyHandler<T> body)
            throws IOException, CommandFailedException {
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
        try {
            return client.send(request, body);
        } catch (ConnectException | HttpTimeoutException e) {
            throw new CommandFailedException(
                    "nothing answers at " + url(settings.management()) + "; is Callboard running with these settings?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** The version that runs with these settings; empty if none answers. */
    static Optional<String> runningVersion(Settings settings) {
        HttpRequest request =
                request(settings, "/observe/info").timeout(CONNECT_TIMEOUT).build();
        try {
            HttpResponse<String> response = send(request, settings, HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == 200 && response.body().contains("\"name\":\"callboard\"")
                    ? Optional.of(response.body().replaceFirst("(?s).*\"version\":\"([0-9A-Za-z.+-]{1,40})\".*", "$1"))
                    : Optional.empty();
        } catch (IOException | CommandFailedException e) {
            return Optional.empty();
        }
    }
}
