package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpServerOptions;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests whose end two servers could see in two places (RFC 9112, 6.1 and 11.2), and others that are no HTTP/1.1. */
@Timeout(60)
final class RequestFramingTest {
    private static final String PROVIDER = "127.0.0.9";
    private static final String UNKNOWN = "127.0.0.8";
    private static final String TYPE = "Content-Type: application/json\r\n";

    /** What a proxy in front would take for a part of the request before it. */
    private static final String HIDDEN =
            RawHttp.post("/callbacks/fotor", "{\"taskId\":\"hidden\",\"status\":0}", "Content-Type: application/json");

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.trial", "false", "callboard.fotor.allowed-sources", PROVIDER));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @AfterEach
    void forgetCallbacks() {
        callboard.forgetCallbacks();
    }

    private static String send(String from, String request) {
        try (RawHttp http = new RawHttp(callboard.port, from)) {
            return http.send(request).read();
        }
    }

    private static double responses(String status) {
        return callboard.metric("callboard_http_responses_total{status=\"" + status + "\"}");
    }

    /** The lines of a head after the request line, and the rest of the request. */
    static Stream<Arguments> ambiguous() {
        String whole = "4\r\nnull\r\n0\r\n\r\n";
        return Stream.of(
                Arguments.of("a length beside chunks", "Host: x|Content-Length: 4|Transfer-Encoding: chunked", whole),
                Arguments.of("chunks beside a length", "Host: x|Transfer-Encoding: chunked|Content-Length: 4", whole),
                Arguments.of("xchunked", "Host: x|Transfer-Encoding: xchunked", ""),
                Arguments.of("xchunked with a length", "Host: x|Transfer-Encoding: xchunked|Content-Length: 4", "null"),
                Arguments.of("identity", "Host: x|Transfer-Encoding: identity", ""),
                Arguments.of("identity with a length", "Host: x|Transfer-Encoding: identity|Content-Length: 4", "null"),
                Arguments.of("gzip and chunked", "Host: x|Transfer-Encoding: gzip, chunked", whole),
                Arguments.of(
                        "gzip and chunked in two lines",
                        "Host: x|Transfer-Encoding: gzip|Transfer-Encoding: chunked",
                        whole),
                Arguments.of("chunked twice", "Host: x|Transfer-Encoding: chunked|Transfer-Encoding: chunked", whole),
                Arguments.of("chunked, chunked", "Host: x|Transfer-Encoding: chunked, chunked", whole),
                Arguments.of(
                        "chunked and identity",
                        "Host: x|Transfer-Encoding: chunked|Transfer-Encoding: identity",
                        whole),
                Arguments.of("chunked with a parameter", "Host: x|Transfer-Encoding: chunked;q=1", whole),
                Arguments.of("chunked in quotes", "Host: x|Transfer-Encoding: \"chunked\"", whole),
                Arguments.of("an empty coding", "Host: x|Transfer-Encoding:", ""),
                Arguments.of("a folded coding", "Host: x|Transfer-Encoding:| chunked", whole),
                Arguments.of("a coding after a vertical tab", "Host: x|Transfer-Encoding: \u000bchunked", whole),
                Arguments.of("two lengths that differ", "Host: x|Content-Length: 4|Content-Length: 5", "null"),
                Arguments.of("two lengths that are the same", "Host: x|Content-Length: 4|Content-Length: 4", "null"),
                Arguments.of("a list of lengths", "Host: x|Content-Length: 4, 4", "null"),
                Arguments.of("a signed length", "Host: x|Content-Length: +4", "null"),
                Arguments.of("a hexadecimal length", "Host: x|Content-Length: 0x4", "null"),
                Arguments.of("an empty length", "Host: x|Content-Length:", "null"),
                Arguments.of("a folded length", "Host: x|Content-Length:| 4", "null"),
                Arguments.of("a folded line with a length", "Host: x|X-Any: a| Content-Length: 4", ""),
                Arguments.of("a folded line after a tab", "Host: x|X-Any: a|\tb|Content-Length: 4", "null"),
                Arguments.of("a folded first line", " X-Any: a|Host: x|Content-Length: 4", "null"),
                Arguments.of("a space before a colon", "Host: x|Content-Length : 4", "null"),
                Arguments.of("a tab before a colon", "Host: x|Transfer-Encoding\t: chunked", whole),
                Arguments.of("a vertical tab before a colon", "Host: x|Content-Length\u000b: 4", "null"),
                Arguments.of("a name that is empty", "Host: x|: a|Content-Length: 4", "null"),
                Arguments.of("a line without a colon", "Host: x|Content-Length 4", "null"),
                Arguments.of("a CR in a value", "Host: x|X-Any: a\rContent-Length: 4", "null"),
                Arguments.of("a CR before a name", "Host: x|\rContent-Length: 4", "null"),
                Arguments.of("a LF alone", "Host: x\nContent-Length: 4", "null"),
                Arguments.of("U+0000 in a value", "Host: x|X-Any: a\u0000b|Content-Length: 4", "null"),
                Arguments.of("two hosts", "Host: x|Host: y|Content-Length: 4", "null"),
                Arguments.of("the same host twice", "Host: x|Host: x|Content-Length: 4", "null"),
                Arguments.of("no host", "Content-Length: 4", "null"),
                Arguments.of("an obsolete WebSocket", "Host: x|Sec-WebSocket-Key1: a|Sec-WebSocket-Key2: b", ""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("ambiguous")
    void answers400AndReadsNothingThatFollows(String name, String head, String body) {
        double before = responses("400");
        for (String method : List.of("POST", "GET")) {
            String request = method + " /callbacks/fotor HTTP/1.1\r\n" + head.replace("|", "\r\n") + "\r\n" + TYPE
                    + "\r\n" + body + HIDDEN;
            String answer = send(PROVIDER, request);
            assertThat(answer).startsWith("HTTP/1.1 400 ").containsOnlyOnce("HTTP/1.");
        }
        callboard.assertNothingKept();
        assertThat(responses("400")).isEqualTo(before + 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST /callbacks/fotor HTTP/1.0|Transfer-Encoding: chunked",
                "POST /callbacks/fotor HTTP/1.0|Transfer-Encoding: chunked|Content-Length: 4",
                "POST /callbacks/fotor HTTP/1.0|Host: x|Host: y",
                "POST /callbacks/fotor HTTP/1.2|Host: x",
                "POST /callbacks/fotor HTTP/2.0|Host: x",
                "POST /callbacks/fotor HTTP/0.9|Host: x",
                "POST /callbacks/fotor ICAP/1.1|Host: x",
                "POST /callbacks/fotor|Host: x",
                "POST /callbacks/fotor HTTP/1.1 x|Host: x",
                "POST\r/callbacks/fotor\rHTTP/1.1|Host: x",
                "POST /callbacks/fotor?a\rb HTTP/1.1|Host: x"
            })
    void answers400ToAnotherVersionOrRequestLine(String head) {
        String answer = send(PROVIDER, head.replace("|", "\r\n") + "\r\n" + TYPE + "\r\n" + HIDDEN);
        assertThat(answer)
                .matches("(?s)[A-Z]+/[0-9.]+ 400 .*")
                .containsOnlyOnce(" 400 ")
                .doesNotContain(" 200 ");
        callboard.assertNothingKept();
    }

    /** In a body without a length only the decoder sees where the next request begins. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\r\n",
                "-1\r\n",
                "\r\n",
                "4\nnull\r\n0\r\n\r\n",
                "4\r\nnull0\r\n\r\n",
                "4\r\nnullx\r\n0\r\n\r\n",
                "4\r\nnull\r\n80000000\r\n",
                "4\r\nnull\r\n0\r\nno trailer\r\n\r\n",
                "4;a=b\nc\r\nnull\r\n0\r\n\r\n",
                "100000004\r\nnull\r\n0\r\n\r\n",
                "FFFFFFFF00000004\r\nnull\r\n0\r\n\r\n",
                "00000000004\r\nnull\r\n0\r\n\r\n",
                "4\r\nnull\r\n100000000\r\n\r\n",
                "2\r\nnu\r\n100000002\r\nll\r\n0\r\n\r\n",
                "FFFFFFFF\r\nnull\r\n0\r\n\r\n",
                " 4\r\nnull\r\n0\r\n\r\n",
                "\t4\r\nnull\r\n0\r\n\r\n",
                "\u000b4\r\nnull\r\n0\r\n\r\n",
                "4\r\nnull\r\n 0\r\n\r\n",
                "0x4\r\nnull\r\n0\r\n\r\n",
                "+4\r\nnull\r\n0\r\n\r\n",
                "4\r\nnull\r\n\r\n0\r\n\r\n",
                "\r\n4\r\nnull\r\n0\r\n\r\n",
                ";a=b\r\nnull\r\n0\r\n\r\n",
                "4 0\r\nnull\r\n0\r\n\r\n",
                "4\u0000\r\nnull\r\n0\r\n\r\n",
                "4\r\r\nnull\r\n0\r\n\r\n",
                "4;a=b\rc\r\nnull\r\n0\r\n\r\n"
            })
    void answersABrokenChunkedBodyWith400(String body) {
        double before = responses("400");
        try (Logged log = new Logged()) {
            String answer = send(
                    PROVIDER,
                    "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n" + body
                            + HIDDEN);
            assertThat(answer).startsWith("HTTP/1.1 400 ").containsOnlyOnce("HTTP/1.");
            assertThat(log.lines()).allMatch(line -> line.startsWith("WARN invalid request provider=fotor"));
        }
        callboard.assertNothingKept();
        assertThat(responses("400")).isEqualTo(before + 1);
    }

    @Test
    void acceptsChunksWithExtensionsAndTrailers() {
        String answer = send(
                PROVIDER,
                "\r\nPOST /callbacks/fotor HTTP/1.1\r\nHost: x\r\nTransfer-encoding: CHUNKED\r\nConnection: close\r\n"
                        + TYPE
                        + "\r\n3;a=b\r\n{\"t\r\n1b\r\naskId\":\"chunks\",\"status\":0}\r\n0\r\nX-Any: a\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 200 ");
    }

    /** The same request follows, which is not a part of the body. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "1f\r\n{\"taskId\":\"chunks\",\"status\":0} \r\n0\r\n\r\n",
                "1F\r\n{\"taskId\":\"chunks\",\"status\":0} \r\n0\r\n\r\n",
                "0000001f\r\n{\"taskId\":\"chunks\",\"status\":0} \r\n00000000\r\n\r\n",
                "1f  \r\n{\"taskId\":\"chunks\",\"status\":0} \r\n0\t;a\r\n\r\n",
                "1f ; a=\"b;c\"\r\n{\"taskId\":\"chunks\",\"status\":0} \r\n0;a=b\r\nX-Any: a\r\n\r\n",
                "2\r\n{\n\r\n12\r\n\"taskId\":\"chunks\"\n\r\n3\r\n,\r\n\r\nb\r\n\"status\":0\n\r\n1\r\n}\r\n2\r\n\r\n\r\n0\r\n\r\n"
            })
    void readsChunksAndTheRequestAfterThem(String body) {
        String request = "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\n" + TYPE + "Transfer-Encoding: chunked\r\n";
        String both = request + "\r\n" + body + request + "Connection: close\r\n\r\n" + body;
        assertThat(send(PROVIDER, both).split("HTTP/1.1 200 ", -1)).hasSize(3);
        String content = decode(both, both.length());
        assertThat(content).matches("(?s)POST [^|]*chunks[^|]*[|]POST [^|]*chunks[^|]*[|]");
        for (int length = 1; length < both.length(); length++) {
            assertThat(decode(both, length)).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"100000004", " 4", "4 4", "2\r\nnu\r\n100000002"})
    void refusesASizeHoweverItArrives(String size) {
        String request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size
                + "\r\nnull\r\n0\r\n\r\n" + HIDDEN;
        for (int length = 1; length <= request.length(); length++) {
            assertThat(decode(request, length)).matches("POST (nu)?invalid[|]");
        }
    }

    /** What the decoder makes of a text in parts of a length: the method and the body of each request. */
    private static String decode(String text, int length) {
        EmbeddedChannel channel = new EmbeddedChannel(new StrictRequestDecoder(new HttpServerOptions()));
        for (int i = 0; i < text.length(); i += length) {
            String part = text.substring(i, Math.min(i + length, text.length()));
            channel.writeInbound(Unpooled.copiedBuffer(part, StandardCharsets.US_ASCII));
        }
        StringBuilder requests = new StringBuilder();
        for (Object part = channel.readInbound(); part != null; part = channel.readInbound()) {
            if (part instanceof HttpRequest request) {
                requests.append(request.method()).append(' ');
            }
            if (part instanceof HttpContent content) {
                requests.append(content.content().toString(StandardCharsets.US_ASCII));
                requests.append(content.decoderResult().isSuccess() ? "" : "invalid");
                content.release();
            }
            requests.append(part instanceof LastHttpContent ? "|" : "");
        }
        channel.finishAndReleaseAll();
        return requests.toString();
    }

    /** Netty hands on a chunk in pieces of 8 KiB. */
    @Test
    void readsALongChunkAndTheOneAfterIt() {
        String chunk = "7530\r\n" + " ".repeat(30_000) + "\r\n";
        String request = "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\n" + TYPE + "Transfer-Encoding: chunked\r\n"
                + "Connection: close\r\n\r\n" + chunk + "1e\r\n{\"taskId\":\"chunks\",\"status\":0}\r\n";
        assertThat(send(PROVIDER, request + "0\r\n\r\n")).startsWith("HTTP/1.1 200 ");
        assertThat(send(PROVIDER, request + chunk + "100000000\r\n\r\n")).startsWith("HTTP/1.1 400 ");
    }

    @Test
    void countsALongRequestLineAndLongHeaders() {
        double before = responses("414") + responses("431");
        assertThat(send(PROVIDER, "GET /" + "x".repeat(5000) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
                .containsPattern("^HTTP/1.. 414 ");
        assertThat(send(PROVIDER, "GET /x HTTP/1.1\r\nHost: x\r\nX-Long: " + "x".repeat(9000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 431 ");
        assertThat(responses("414") + responses("431")).isEqualTo(before + 2);
    }

    @Test
    void logsARequestThatIsNotHttpOfAnAddressThatMayBeAdmittedOnly() {
        String request = String.join(
                "\r\n",
                "POST /callbacks/fotor?token=secret-1 HTTP/1.1",
                "Host: x",
                "Content-Length: secret-2",
                "Transfer-Encoding: secret-3",
                "",
                "");
        try (Logged log = new Logged()) {
            assertThat(send(UNKNOWN, request)).startsWith("HTTP/1.1 400 ");
            send(UNKNOWN, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
            assertThat(log.lines()).isEmpty();
            for (int i = 0; i < 3; i++) {
                assertThat(send(PROVIDER, request)).startsWith("HTTP/1.1 400 ");
                assertThat(send(PROVIDER, request.replace("/callbacks/fotor", "/x")))
                        .startsWith("HTTP/1.1 400 ");
            }
            assertThat(log.lines())
                    .containsExactly(
                            "WARN invalid request provider=fotor client=127.0.0.9 status=400 (the request is not HTTP/1.1;"
                                    + " nothing is stored, and the callback may be lost)");
        }
    }
}
