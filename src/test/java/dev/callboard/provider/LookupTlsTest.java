package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.TestCallboard;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An API key goes only to a server whose certificate is trusted and names its host. */
final class LookupTlsTest {
    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({"TRUSTED, changed, 1", "FOR_ANOTHER_HOST, failed, 0", "SELF_MADE, failed, 0"})
    void asksOnlyAServerOfTheRightCertificate(Certificates certificate, String result, int requests) throws Exception {
        try (SimulatedFotor fotor = new SimulatedFotor(certificate);
                TestCallboard callboard = TestCallboard.start(
                        Backend.H2,
                        Map.of(
                                "callboard.fotor.api-url",
                                fotor.url(),
                                "callboard.fotor.api-key",
                                SimulatedFotor.KEY))) {
            String id = fotor.start("avatar").id();
            assertThat(callboard.post("fotor", fotor.callback(id)).statusCode()).isEqualTo(200);
            fotor.fail(id, null);

            JsonNode answer = new ObjectMapper()
                    .readTree(TestCallboard.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:"
                                            + callboard.managementPort + "/tasks/fotor/" + id + "/lookup"))
                                    .POST(HttpRequest.BodyPublishers.noBody())
                                    .build())
                            .body());

            assertThat(answer.get("result").asText()).as("%s", answer).isEqualTo(result);
            assertThat(fotor.requests().total()).isEqualTo(requests);
        }
    }
}
