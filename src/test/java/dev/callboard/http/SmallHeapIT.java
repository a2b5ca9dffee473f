package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.RawHttp;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged application with a small heap, as in the README, and more large bodies at once than fit into it. */
final class SmallHeapIT {
    private static final int CALLERS = 64;

    @Test
    @Timeout(150)
    void survivesManyLargeBodiesAtOnce(@TempDir Path folder) throws Exception {
        // Takes many times its length in memory.
        String list = "1,".repeat(200_000) + "1";
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                String body = "{\"taskId\":\"large-" + i + "\",\"status\":0,\"list\":[" + list + "]}";
                answers.add(callers.submit(() -> post(callboard.port, body)));
            }
            List<Integer> statuses = new ArrayList<>();
            for (Future<Integer> answer : answers) {
                statuses.add(answer.get());
            }

            assertThat(statuses).containsOnly(200, 503);
            assertThat(post(callboard.port, "{\"taskId\":\"after\",\"status\":0}"))
                    .isEqualTo(200);
        } finally {
            callers.shutdownNow();
        }
    }

    @Test
    @Timeout(60)
    void releasesTheMemoryOfBodiesThatAreNeverCompleted(@TempDir Path folder) throws Exception {
        byte[] half = ("POST /callbacks/fotor HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 1000000\r\n\r\n" + "x".repeat(500_000))
                .getBytes(StandardCharsets.US_ASCII);
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            for (int i = 0; i < CALLERS; i++) {
                try (Socket caller = new Socket(InetAddress.getLoopbackAddress(), callboard.port)) {
                    caller.getOutputStream().write(half);
                    boolean abruptly = i % 2 == 0;
                    caller.setSoLinger(abruptly, 0);
                }
            }

            // A short body might still fit.
            String large = "{\"taskId\":\"after\",\"status\":0,\"large\":\"" + "x".repeat(1_000_000) + "\"}";
            await().until(() -> post(callboard.port, large) == 200);
        }
    }

    @Test
    @Timeout(60)
    void reservesMemoryForWhatHasArrivedOnly(@TempDir Path folder) {
        String head = "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        List<RawHttp> half = new ArrayList<>();
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            for (int i = 0; i < 40; i++) {
                half.add(new RawHttp(callboard.port)
                        .send(head + "Transfer-Encoding: chunked\r\n\r\n28\r\n" + " ".repeat(40) + "\r\n"));
                half.add(new RawHttp(callboard.port).send(head + "Content-Length: 1000000\r\n\r\n{"));
            }
            for (int i = 0; i < 10; i++) {
                String body = "{\"taskId\":\"small-" + i + "\",\"status\":0}";
                String chunks = Integer.toHexString(body.length()) + "\r\n" + body + "\r\n0\r\n\r\n";
                assertThat(RawHttp.status(
                                callboard.port,
                                "127.0.0.1",
                                head + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
                        .isEqualTo(200);
            }
        } finally {
            half.forEach(RawHttp::close);
        }
    }

    private static int post(int port, String body) throws IOException {
        try (Caller caller = new Caller(port)) {
            return caller.post("fotor", body);
        }
    }
}
