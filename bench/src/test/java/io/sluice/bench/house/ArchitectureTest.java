// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.house;

import static com.tngtech.archunit.lang.conditions.ArchConditions.not;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.Serializable;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The directions of dependency of docs/design/house.md, and what may be used where. */
class ArchitectureTest {
  /** Each module, with those that it may depend on. */
  private static final Map<String, Set<String>> MAY_USE =
      Map.of(
          "config", Set.of(),
          "kernel", Set.of(),
          "persistence", Set.of("config"),
          "cluster", Set.of("config", "persistence"),
          "actors", Set.of("config", "kernel", "persistence", "cluster"),
          "agent", Set.of("config", "kernel", "persistence", "cluster", "actors"),
          "lab", Set.of("config", "kernel"),
          "bench", Set.of("config", "kernel", "persistence", "cluster", "actors", "agent", "lab"));

  private static JavaClasses sluice;

  @BeforeAll
  static void readClasses() {
    sluice =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.sluice");
  }

  @TestFactory
  Stream<DynamicTest> aModuleUsesOnlyThoseThatItMayDependOn() {
    return MAY_USE.entrySet().stream()
        .map(
            module ->
                DynamicTest.dynamicTest(
                    module.getKey(),
                    () ->
                        noClasses()
                            .that()
                            .resideInAPackage(packagesOf(module.getKey()))
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(
                                MAY_USE.keySet().stream()
                                    .filter(other -> !other.equals(module.getKey()))
                                    .filter(other -> !module.getValue().contains(other))
                                    .map(ArchitectureTest::packagesOf)
                                    .toArray(String[]::new))
                            .allowEmptyShould(true)
                            .check(sluice)));
  }

  @Test
  void everyClassIsInThePackagesOfAModule() {
    classes()
        .should()
        .resideInAnyPackage(
            MAY_USE.keySet().stream().map(ArchitectureTest::packagesOf).toArray(String[]::new))
        .allowEmptyShould(true)
        .check(sluice);
  }

  @Test
  void settingsAndKernelKnowNoActors() {
    noClasses()
        .that()
        .resideInAnyPackage(packagesOf("config"), packagesOf("kernel"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("akka..", "com.typesafe.akka..")
        .allowEmptyShould(true)
        .check(sluice);
  }

  @Test
  void nativeCodeIsCalledInKernelAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackage(packagesOf("kernel"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("jnr..", "com.kenai.jffi..", "sun.misc..")
        .allowEmptyShould(true)
        .check(sluice);
  }

  @Test
  void nothingGoesThroughJavaSerialization() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveNameMatching("java\\.io\\.Object(In|Out)putStream|java\\.io\\.Externalizable")
        .allowEmptyShould(true)
        .check(sluice);
    classes().should(not(declareSerializable())).allowEmptyShould(true).check(sluice);
  }

  /**
   * All of kernel/ throws KernelException, which belongs to its typed maps: as far as cycles go it
   * counts as a word of the language.
   */
  @Test
  void packagesHaveNoCycles() {
    slices()
        .matching("io.sluice.(**)")
        .should()
        .beFreeOfCycles()
        .ignoreDependency(
            DescribedPredicate.alwaysTrue(), JavaClass.Predicates.simpleName("KernelException"))
        .allowEmptyShould(true)
        .check(sluice);
  }

  @Test
  void nothingEndsTheProcessButTheProgramItself() {
    noClasses()
        .that()
        .resideOutsideOfPackage(packagesOf("agent"))
        .should()
        .callMethodWhere(
            DescribedPredicate.describe(
                "it ends the JVM",
                call ->
                    call.getTargetOwner().isEquivalentTo(System.class)
                        && call.getName().equals("exit")))
        .allowEmptyShould(true)
        .check(sluice);
  }

  private static String packagesOf(String module) {
    return "io.sluice." + module + "..";
  }

  /** Exceptions and enums are serializable by birth; others must say so themselves to be found. */
  private static ArchCondition<JavaClass> declareSerializable() {
    return new ArchCondition<>("declare java.io.Serializable") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean declares =
            type.getRawInterfaces().stream().anyMatch(i -> i.isEquivalentTo(Serializable.class));
        events.add(
            new SimpleConditionEvent(
                type, declares, type.getName() + (declares ? " is" : " is not") + " Serializable"));
      }
    };
  }
}
