package dev.callboard.lookup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LookupRequestTest {
    private static final Parameter<String> COLOUR = Parameter.oneOf("colour", List.of("red", "green"));
    private static final Parameter<String> PROVIDER = Parameter.provider("provider");
    private static final Parameter<String> NAME = Parameter.text("name", 5);
    private static final Parameter<Instant> SINCE = Parameter.time("since");

    private static LookupRequest request(String query) throws InvalidParametersException {
        return LookupRequest.of("/list?" + query, "/list", COLOUR, PROVIDER, NAME, SINCE);
    }

    @Test
    void hasDefaultsWithoutParameters() throws InvalidParametersException {
        LookupRequest request = LookupRequest.of("/list", "/list", COLOUR);

        assertThat(request.get(COLOUR)).isEmpty();
        assertThat(request.limit()).isEqualTo(Parameter.DEFAULT_LIMIT);
        assertThat(request.cursor()).isEmpty();
    }

    @Test
    void readsEachParameter() throws InvalidParametersException {
        LookupRequest request =
                request("colour=red&provider=a-1&name=%C3%A9%26+x&since=2026-11-24T10:30:00%2B01:00&limit=7");

        assertThat(request.get(COLOUR)).contains("red");
        assertThat(request.get(PROVIDER)).contains("a-1");
        assertThat(request.get(NAME)).contains("é& x");
        assertThat(request.get(SINCE)).contains(Instant.parse("2026-11-24T09:30:00Z"));
        assertThat(request.limit()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "limit=0            | limit     | to be a number from 1 to 1000",
                "limit=1001         | limit     | to be a number from 1 to 1000",
                "limit=             | limit     | to be a number from 1 to 1000",
                "limit=99999999999  | limit     | to be a number from 1 to 1000",
                "limit=1&limit=1    | limit     | to be there once",
                "colour=blue        | colour    | to be one of red, green",
                "colour=            | colour    | to be one of red, green",
                "colour             | colour    | to be one of red, green",
                "Colour=red         | Colour    | not to be there; the parameters are colour, provider, name, since, limit, cursor",
                "x%0Ay=1            | x y       | not to be there; the parameters are colour, provider, name, since, limit, cursor",
                "provider=A         | provider  | to be a provider's name: lower-case letters, digits and hyphens",
                "provider=%00       | provider  | to be a provider's name: lower-case letters, digits and hyphens",
                "name=abcdef        | name      | to have 1 to 5 characters and no U+0000",
                "name=a%00          | name      | to have 1 to 5 characters and no U+0000",
                "name=%FF           | name      | to have 1 to 5 characters and no U+0000",
                "name=%ED%A0%80     | name      | to have 1 to 5 characters and no U+0000",
                "name=%zz           | the query | to have two hexadecimal digits after each %",
                "cursor=%2B         | cursor    | to be the one in the next link of this list",
                "cursor=_w          | cursor    | to be the one in the next link of this list"
            })
    void saysWhatIsExpectedOfAParameterThatIsWrong(String query, String parameter, String expected) {
        assertThatThrownBy(() -> request(query))
                .isInstanceOfSatisfying(InvalidParametersException.class, e -> assertThat(e.getDetails())
                        .containsEntry("status", 400)
                        .containsEntry("detail", parameter + " is expected " + expected)
                        .extracting("errors")
                        .asString()
                        .contains(parameter, expected));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "today",
                "2026-11-24",
                "2026-11-24T10:00:00",
                "2026-11-24T10:00:00+01:00",
                "2026-13-24T10:00:00Z",
                "%2B999999999-01-01T00:00:00Z",
                "-0001-01-01T00:00:00Z"
            })
    void takesATimeOnlyWithItsOffset(String time) {
        assertThatThrownBy(() -> request("since=" + time)).hasMessageStartingWith("since is expected to be a time");
    }

    @Test
    void namesEveryParameterThatIsWrong() {
        assertThatThrownBy(() -> request("limit=x&colour=y")).hasMessageContainingAll("limit is", "; ", "colour is");
    }

    @Test
    void linksToTheNextPageWithTheSameParameters() throws InvalidParametersException {
        Instant time = Instant.parse("2026-11-24T09:30:00.123456Z");
        UUID id = UUID.randomUUID();
        Cursor key = Cursor.of(time, id, "é", new byte[] {0, (byte) 200});

        String link = request("name=a%26%3E&limit=7&cursor=eA").next(key);

        assertThat(link).matches("</list\\?name=a%26%3E&limit=7&cursor=[A-Za-z0-9_-]+>; rel=\"next\"");
        Cursor read = LookupRequest.of(link.substring(1, link.indexOf('>')), "/list", NAME)
                .cursor()
                .orElseThrow();
        assertThat(read.time(0)).isEqualTo(time);
        assertThat(read.uuid(1)).isEqualTo(id);
        assertThat(read.text(2)).isEqualTo("é");
        assertThat(read.bytes(3)).containsExactly(0, 200);
    }

    @Test
    void rejectsTheCursorOfAnotherList() throws InvalidParametersException {
        Cursor key = Cursor.decode(Cursor.of("x").encode()).orElseThrow();

        assertThatThrownBy(() -> key.time(0)).hasMessageStartingWith("cursor is");
        assertThatThrownBy(() -> key.uuid(0)).hasMessageStartingWith("cursor is");
        assertThatThrownBy(() -> key.bytes(0)).hasMessageStartingWith("cursor is");
        assertThatThrownBy(() -> key.text(1)).hasMessageStartingWith("cursor is");
        assertThatThrownBy(() -> Cursor.of(Instant.MAX).time(0)).hasMessageStartingWith("cursor is");
    }
}
