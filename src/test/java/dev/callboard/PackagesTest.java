package dev.callboard;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The packages depend on each other in one direction only, as the manual's chapter on development draws them. */
final class PackagesTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/callboard");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.callboard");

    /** Which packages each may use, beside libraries; the root package may use all. */
    private static final Map<String, List<String>> ARROWS = Map.ofEntries(
            Map.entry("http", List.of("settings", "security", "text")),
            Map.entry("callback", List.of("db", "settings", "text")),
            Map.entry("alert", List.of("db", "settings", "text")),
            Map.entry("event", List.of("alert", "db", "http", "settings", "text")),
            Map.entry("task", List.of("alert", "db", "event", "settings", "text")),
            Map.entry("lookup", List.of("db", "text")),
            Map.entry("provider", List.of("db", "settings", "text")),
            Map.entry("security", List.of("settings", "text")),
            Map.entry("db", List.of("settings", "text")),
            Map.entry("settings", List.of("text")),
            Map.entry("text", List.of()));

    @Test
    void haveNoCycles() {
        slices().matching("dev.callboard.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void useOnlyWhatIsBelowThem() {
        ARROWS.forEach((name, below) -> noClasses()
                .that()
                .resideInAPackage("dev.callboard." + name)
                .should()
                .dependOnClassesThat(
                        resideInAPackage("dev.callboard..").and(not(resideInAnyPackage(allowed(name, below)))))
                .check(CLASSES));
    }

    private static String[] allowed(String name, List<String> below) {
        return Stream.concat(Stream.of(name), below.stream())
                .map(allowed -> "dev.callboard." + allowed)
                .toArray(String[]::new);
    }

    @Test
    void sayWhatTheyAreFor() throws IOException {
        try (Stream<Path> folders = Files.walk(SOURCES).filter(Files::isDirectory)) {
            assertThat(folders.map(folder -> folder.resolve("package-info.java")))
                    .allSatisfy(description -> assertThat(description).exists());
        }
    }
}
