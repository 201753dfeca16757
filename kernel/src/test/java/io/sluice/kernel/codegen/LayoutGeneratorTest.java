// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.btf.Btf;
import io.sluice.kernel.layout.CtKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The generator on the real headers and on small sources of C that it must refuse or take. */
class LayoutGeneratorTest {
  private static final String TYPES =
      """
      typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
      typedef __u16 __be16; typedef __u32 __be32; typedef unsigned long long __u64;
      struct addr4 { __be32 w[1]; }; struct addr6 { __be32 w[4]; };
      """;

  @TempDir Path folder;

  private static Btf real() throws IOException {
    try (InputStream in =
        LayoutGeneratorTest.class.getResourceAsStream("/io/sluice/bpf/layout.bpf.o")) {
      return Btf.ofObject(in.readAllBytes());
    }
  }

  private Btf compile(String c) throws IOException, InterruptedException {
    Path source = Files.writeString(folder.resolve("t.c"), TYPES + c);
    Path object = folder.resolve("t.o");
    Process clang =
        new ProcessBuilder(
                "clang", "-target", "bpf", "-g", "-c", source.toString(), "-o", object.toString())
            .inheritIO()
            .start();
    assertThat(clang.waitFor()).isZero();
    return Btf.ofObject(Files.readAllBytes(object));
  }

  @Test
  void sameObjectSameSources() throws IOException {
    Map<String, String> sources = LayoutGenerator.generate(real());
    assertThat(LayoutGenerator.generate(real())).isEqualTo(sources);
    assertThat(sources)
        .containsKeys(
            "CtKey",
            "CtValue",
            "CtCommon",
            "CtTuple",
            "CtJudged",
            "CtCleanStats",
            "FrontendKey",
            "Frontend",
            "Service",
            "Backend",
            "BackendGen",
            "RouteKey",
            "Route",
            "Iface",
            "NodeState",
            "Counter",
            "Event",
            "Pkt",
            "Settings")
        .containsKeys(
            "SluiceReason",
            "SluiceHook",
            "SluiceMark",
            "SluiceProg",
            "SluiceProgIndex",
            "SluiceCb",
            "CtState",
            "CtSide",
            "CtIfindex",
            "RouteFlags",
            "IfaceFlags",
            "IfaceLimits",
            "FrontendFlags",
            "ServiceFlags",
            "PktFlags")
        .doesNotContainKeys("Addr4", "Addr6", "Addr");
  }

  @Test
  void fingerprintsInTheSourcesAreThoseOfTheObject() throws IOException {
    Btf btf = real();
    assertThat(btf.fingerprint(btf.struct("ct_key4").orElseThrow())).isEqualTo(CtKey.FINGERPRINT4);
    assertThat(btf.fingerprint(btf.struct("ct_key6").orElseThrow())).isEqualTo(CtKey.FINGERPRINT6);
  }

  @Test
  void aMovedOrRetypedMemberChangesTheFingerprint() throws Exception {
    Btf a = compile("struct s { __u32 a; __u32 b; } x;");
    Btf moved = compile("struct s { __u32 b; __u32 a; } x;");
    Btf retyped = compile("struct s { __u32 a; __be32 b; } x;");
    Btf same = compile("struct other { __u64 y; } z; struct s { __u32 a; __u32 b; } x;");
    long print = a.fingerprint(a.struct("s").orElseThrow());
    assertThat(moved.fingerprint(moved.struct("s").orElseThrow())).isNotEqualTo(print);
    assertThat(retyped.fingerprint(retyped.struct("s").orElseThrow())).isNotEqualTo(print);
    assertThat(same.fingerprint(same.struct("s").orElseThrow())).isEqualTo(print);
  }

  @Test
  void refusesPairsThatDiffer() throws Exception {
    assertRefused(
        "struct k4 { struct addr4 a; __be16 p; } x; struct k6 { struct addr6 a; __u16 p; } y;",
        "struct k4 and struct k6 differ: p (NET16) against p (HOST16)");
    assertRefused(
        "struct k4 { __u32 a; __u32 b; } x; struct k6 { __u32 b; __u32 a; } y;",
        "struct k4 and struct k6 differ");
    assertRefused(
        "struct k4 { __u32 a; } x; struct k6 { __u32 a; __u32 b; } y;",
        "struct k4 and struct k6 have different members");
    assertRefused("struct k4 { __u32 a; } x;", "struct k4 has no twin");
  }

  @Test
  void refusesTypesWithoutARecord() throws Exception {
    assertRefused("struct s { __u32 a : 3; } x;", "bit-fields");
    assertRefused("struct s { void *p; } x;", "member p: a type that records have no component");
    assertRefused("struct s { int i; } x;", "member i: a type that records have no component");
    assertRefused("struct s { __u32 a[17]; } x;", "member a: arrays are for up to 16");
    assertRefused("struct s { union { __u32 a; } u; } x;", "member u");
  }

  @Test
  void paddingMayDiffer() throws Exception {
    Map<String, String> sources =
        LayoutGenerator.generate(
            compile(
                "struct k4 { struct addr4 a; __u8 p; __u8 pad[3]; } x;"
                    + " struct k6 { struct addr6 a; __u8 p; __u8 pad[3]; __u32 rsvd[2]; } y;"));
    assertThat(sources).containsOnlyKeys("K");
    assertThat(sources.get("K"))
        .contains("public record K(Ip a, int p)", "SIZE4 = 8", "SIZE6 = 28");
  }

  @Test
  void refusesWhatIsNoObject() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Btf.ofObject(new byte[100]))
        .withMessage("not an ELF object");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Btf.parse(new byte[100]))
        .withMessageContaining("bad magic");
    assertThatIllegalArgumentException().isThrownBy(() -> Btf.parse(new byte[] {(byte) 0x9f}));
  }

  private void assertRefused(String c, String why) throws Exception {
    Btf btf = compile(c);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LayoutGenerator.generate(btf))
        .withMessageContaining(why);
  }
}
