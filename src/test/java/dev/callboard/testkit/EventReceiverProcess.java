package dev.callboard.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.callboard.testkit.EventReceiver.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A receiver of events as a process of its own, which a test can kill. It appends each request to a file before it answers
 * 204, so that what it has answered is there after kill -9.
 */
public final class EventReceiverProcess implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int THREADS = 32;

    private final int port;
    private final Path file;
    private Process process;

    /** A process that is not started yet. */
    public EventReceiverProcess(Path file) throws IOException {
        this.port = TestCallboard.freePort();
        this.file = file;
    }

    /** The receiver itself; its arguments are its port and its file. */
    public static void main(String[] arguments) throws IOException {
        Path path = Path.of(arguments[1]);
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        // A line that the process before was writing when it was killed was not answered.
        file.truncate(Files.readString(path, StandardCharsets.ISO_8859_1).lastIndexOf('\n') + 1L);
        file.position(file.size());
        HttpServer server = HttpServer.create(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0])), 0);
        server.setExecutor(Executors.newFixedThreadPool(THREADS));
        server.createContext("/", exchange -> receive(exchange, file));
        server.start();
    }

    private static void receive(HttpExchange exchange, FileChannel file) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String id = exchange.getRequestHeaders().getFirst("webhook-id");
        String line = JSON.createObjectNode().put("id", id).put("body", body) + "\n";
        synchronized (file) {
            // One write, so that no line is torn but the last one.
            file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
        }
        exchange.sendResponseHeaders(204, -1);
        exchange.close();
    }

    public void start() throws IOException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        EventReceiverProcess.class.getName(),
                        String.valueOf(port),
                        file.toString())
                .inheritIO()
                .start();
    }

    /** Kills it with SIGKILL; it has ended when this returns. */
    public void kill() {
        process.destroyForcibly();
        try {
            process.waitFor(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public String url() {
        return "http://127.0.0.1:" + port + "/events";
    }

    /** All requests that it has written so far. */
    public List<Request> requests() {
        try {
            String text = Files.exists(file) ? Files.readString(file) : "";
            List<Request> requests = new ArrayList<>();
            // What follows the last line end is a request that was not answered.
            for (String line :
                    text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
                JsonNode request = JSON.readTree(line);
                requests.add(new Request(
                        Map.of("webhook-id", request.path("id").asText()),
                        request.path("body").asText(),
                        "/events",
                        0));
            }
            return requests;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a line is torn", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
