package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A callback URL with a token: who is admitted, and that the token is stored nowhere. */
class TokenTest {
    private static final String OLD = "old-token_0123456789.abcdefghi~JKLMN";
    private static final String NEW = "new-token_0123456789.abcdefghi~JKLMN";

    private static TestCallboard callboard;
    private static Logged log;

    @BeforeAll
    static void start() {
        log = new Logged();
        callboard = TestCallboard.start(Backend.H2, Map.of("callboard.fotor.token", OLD + ", " + NEW));
    }

    @AfterEach
    void forgetCallbacks() {
        callboard.forgetCallbacks();
    }

    @AfterAll
    static void stop() throws IOException {
        callboard.close();
        log.close();
        assertThat(log.lines()).isNotEmpty().noneMatch(line -> line.contains(OLD) || line.contains(NEW));
        try (var files = Files.walk(callboard.folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                assertThat(new String(bytes, StandardCharsets.ISO_8859_1)).doesNotContain(OLD, NEW);
            }
        }
    }

    private static int post(String target, String... headers) {
        return RawHttp.status(callboard.port, "127.0.0.1", RawHttp.postJson(target, headers));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?token=" + OLD,
                "?token=" + NEW,
                "?a=b&token=" + NEW + "&c=d",
                "?token=new%2Dtoken_0123456789.abcdefghi%7EJKLMN"
            })
    void admitsACallerWithEitherToken(String query) {
        assertThat(post("/callbacks/fotor" + query)).isEqualTo(200);
        assertThat(callboard.count("callback")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "?",
                "?token",
                "?token=",
                "?token=wrong",
                "?Token=" + NEW,
                "?TOKEN=" + NEW,
                "?tokens=" + NEW,
                "?token=" + NEW + "x",
                "?token=x" + NEW,
                "?token=NEW-token_0123456789.abcdefghi~JKLMN",
                "?token=" + NEW + "&token=" + NEW,
                "?token=" + NEW + "&token=wrong",
                "?token=wrong&token=" + NEW,
                "?token=" + OLD + "," + NEW,
                "?token=" + OLD + ",%20" + NEW,
                "?a=b;token=" + NEW,
                "?token=" + NEW + "%00",
                "?token=%20" + NEW
            })
    void rejectsEveryOtherQuery(String query) {
        assertThat(post("/callbacks/fotor" + query)).isEqualTo(403);
        callboard.assertNothingKept();
    }

    @Test
    void readsTheTokenFromTheQueryOnly() {
        assertThat(post("/callbacks/fotor", "token: " + NEW)).isEqualTo(403);
        assertThat(post("/callbacks/fotor", "Authorization: Bearer " + NEW)).isEqualTo(403);
        assertThat(post("/callbacks/fotor", "Cookie: token=" + NEW)).isEqualTo(403);
        for (String type : List.of("application/x-www-form-urlencoded", "multipart/form-data; boundary=b")) {
            String body = type.startsWith("multipart")
                    ? "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" + NEW + "\r\n--b--\r\n"
                    : "token=" + NEW;
            String form = RawHttp.post("/callbacks/fotor", body, "Content-Type: " + type);
            assertThat(RawHttp.status(callboard.port, "127.0.0.1", form)).isEqualTo(403);
        }
        String body = "{\"taskId\":\"t\",\"status\":0,\"token\":\"" + NEW + "\"}";
        String json = RawHttp.post("/callbacks/fotor", body, "Content-Type: application/json");
        assertThat(RawHttp.status(callboard.port, "127.0.0.1", json)).isEqualTo(403);
        callboard.assertNothingKept();
    }

    @Test
    void answersAMalformedUrlWith400() {
        try (Logged lines = new Logged()) {
            assertThat(post("/callbacks/fotor?token=" + NEW + "&x=%zz")).isEqualTo(400);
            assertThat(post("/callbacks/%zz?token=" + NEW)).isEqualTo(400);
            assertThat(lines.lines())
                    .containsExactly(
                            "WARN invalid request peer=127.0.0.1 status=400 (the URL is malformed; nothing is stored)");
        }
        callboard.assertNothingKept();
    }

    @Test
    void redactsATokenInAText() {
        Tokens tokens = new Tokens(read(Map.of("callboard.fotor.token", NEW)));
        assertThat(tokens.redact("a" + NEW)).isEqualTo("a***");
        for (Charset charset :
                List.of(StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE, Charset.forName("UTF-32"))) {
            String bytes = new String(("a" + NEW).getBytes(charset), StandardCharsets.ISO_8859_1);
            assertThat(tokens.redact(bytes).replace("\0", "")).isEqualTo("a***");
        }
    }

    @Test
    void redactsTheTokenInAllThatIsStored() throws Exception {
        String percent = NEW.replace("-", "%2D").replace("~", "%7e");
        String twice = NEW.replace("-", "%252D");
        String escaped = NEW.replace("-", "\\u002d").replace("n", "\\u006E");
        String body =
                """
                {"taskId":"t-%s","status":2,"type":"%s","businessId":"https://x.example/?token=%s&y=1",
                 "resultUrl":"https://x.example/?u=%s","more":["%s","%s"]}"""
                        .formatted("1", "avatar", OLD, percent, twice, escaped);
        String request = RawHttp.post("/callbacks/fotor?token=" + OLD, body, "Content-Type: application/json");
        assertThat(RawHttp.status(callboard.port, "127.0.0.1", request)).isEqualTo(200);
        assertThat(callboard.rows("SELECT payload FROM callback"))
                .singleElement()
                .satisfies(row -> assertThat(String.valueOf(row.get("payload")))
                        .contains("https://x.example/?token=***&y=1", "?u=***", "[\"***\",\"***\"]")
                        .doesNotContain("token_0123456789"));
        assertThat(callboard.task("fotor", "t-1").toString())
                .contains("token=***")
                .doesNotContain("token_0123456789");
        Awaitility.await().until(() -> callboard.mailNamed("t-1").isPresent());
        var parts = (MimeMultipart) callboard.mailNamed("t-1").orElseThrow().getContent();
        assertThat(String.valueOf(parts.getBodyPart(0).getContent()))
                .contains("token=***")
                .doesNotContain("token_0123456789");
    }

    @Test
    void recognizesADuplicateAfterTheTokenInItHasChanged() {
        for (String token : List.of(OLD, NEW)) {
            String body = "{\"taskId\":\"t\",\"status\":0,\"hook\":\"/callbacks/fotor?token=" + token + "\"}";
            String request = RawHttp.post("/callbacks/fotor?token=" + token, body, "Content-Type: application/json");
            assertThat(RawHttp.status(callboard.port, "127.0.0.1", request)).isEqualTo(200);
        }
        assertThat(callboard.count("callback")).isEqualTo(1);
    }

    @Test
    void logsAtTheStartThatATokenIsSetButNotTheToken() {
        assertThat(log.lines("Callbacks:"))
                .anyMatch(line -> line.endsWith("/callbacks/fotor?token=<callboard.fotor.token>"));
        assertThat(log.lines("Admitted:")).anyMatch(line -> line.contains("this machine with a token"));
    }

    @Test
    void logsWhyATokenWasRejected() {
        try (Logged lines = new Logged();
                TestCallboard other = TestCallboard.start(Backend.H2, Map.of("callboard.fotor.token", NEW))) {
            RawHttp.status(other.port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor"));
            assertThat(lines.lines("rejected caller"))
                    .containsExactly("WARN rejected caller provider=fotor client=127.0.0.1 reason=token (the URL has"
                            + " no token; it must have callboard.fotor.token)");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "short",
                "0123456789012345678901234567890",
                "01234567890123456789012345678901234567890123456789012345678901234",
                "0123456789012345678901234567890 123",
                "0123456789012345678901234567890/123",
                "0123456789012345678901234567890%41",
                OLD + "," + NEW + "," + OLD,
                OLD + ",short"
            })
    void doesNotStartWithATokenThatCanBeGuessedOrMisread(String token) {
        assertThatThrownBy(() -> read(Map.of("callboard.fotor.token", token)))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.fotor.token: ")
                .message()
                .satisfies(message -> assertThat(message.replaceFirst("^[a-z.]+: ", ""))
                        .doesNotContain("short", "0123456789", OLD, NEW));
    }

    @ParameterizedTest
    @ValueSource(strings = {"any", "0.0.0.0/0", "::/0", "1.2.3.4, 0.0.0.0/0"})
    void doesNotStartIfEveryAddressIsAllowedWithoutAToken(String sources) {
        assertThatThrownBy(() -> read(Map.of("callboard.fotor.allowed-sources", sources)))
                .isInstanceOf(StartException.class)
                .hasMessage("callboard.fotor.allowed-sources: admits every address, so it needs callboard.fotor.token");
        assertThat(read(Map.of("callboard.fotor.allowed-sources", sources, "callboard.fotor.token", NEW)))
                .isNotNull();
    }

    @Test
    void doesNotStartWithAnyAmongAddresses() {
        assertThatThrownBy(() ->
                        read(Map.of("callboard.fotor.allowed-sources", "any, 1.2.3.4", "callboard.fotor.token", NEW)))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.fotor.allowed-sources: 'any' is not an IP address");
    }

    @Test
    void doesNotStartWithTrustedProxiesThatAreNone() {
        assertThatThrownBy(() -> read(Map.of("callboard.trusted-proxies", "127.0.0.1", "callboard.trial", "true")))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.trial: ");
        assertThatThrownBy(() -> read(Map.of("callboard.trusted-proxies", "::/0")))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.trusted-proxies: ");
        assertThatThrownBy(() -> read(Map.of("callboard.trusted-proxies", "proxy.example.org")))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.trusted-proxies: 'proxy.example.org' is not an IP address");
    }

    private static Settings read(Map<String, String> settings) {
        Properties properties = new Properties();
        properties.putAll(settings);
        return Settings.read(Path.of("no-file"), Map.of(), properties);
    }
}
