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
    private static final Map<String, List<String>> ARROWS = Map.of(
            "http", List.of("settings", "security", "text"),
            "callback", List.of("db", "settings", "text"),
            "alert", List.of("db", "settings", "text"),
            "task", List.of("alert", "db", "settings", "text"),
            "lookup", List.of("db", "text"),
            "provider", List.of("db", "settings", "text"),
            "security", List.of("settings", "text"),
            "db", List.of("settings", "text"),
            "settings", List.of("text"),
            "text", List.of());

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
