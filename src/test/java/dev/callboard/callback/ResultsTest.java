package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kind of a file by its URL. */
final class ResultsTest {
    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "https://x.example/a/1.mp4, video",
        "https://x.example/1.WebM, video",
        "https://x.example/1.mov?sig=a.png&b=/c.mp3, video",
        "https://x.example/1.tar.mov#1.png, video",
        "https://x.example/1.png, image",
        "https://x.example/1.jpg?, image",
        "https://x.example/1.JPEG, image",
        "https://x.example/1.webp, image",
        "https://x.example/1.gif, image",
        "https://x.example/1.mp3, audio",
        "https://x.example/1.wav, audio",
        "https://x.example/1.m4a, audio",
        "'  https://x.example/1 2,3.wav  ', audio",
        "out/1.mp4, video",
        "1.mp4, video",
        "https://x.example.mov, otherwise",
        "https://x.example.mov/, otherwise",
        "https://x.example.mov?a/1.png, otherwise",
        "https://x.example/1.mp4/2, otherwise",
        "https://x.example/mp4, otherwise",
        "https://x.example/1.mp4., otherwise",
        "https://x.example/1.mp4%00.zip, otherwise",
        "https://x.example/1?file=1.mp4, otherwise",
        "https://x.example/#/1.mp4, otherwise",
        "'', otherwise",
        "'   ', otherwise",
        "://, otherwise",
    })
    void followsTheEndOfThePath(String url, String kind) {
        assertThat(Results.kindOf(url, "otherwise")).isEqualTo(kind);
    }

    @Test
    void isOnlyToldByAText() {
        assertThat(Results.kindOf(null, "file")).isEqualTo("file");
        assertThat(Results.kindOf(List.of("https://x.example/1.mp4"), "file")).isEqualTo("file");
    }
}
