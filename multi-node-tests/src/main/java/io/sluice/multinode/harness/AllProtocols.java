// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A test of a protocol, {@code tcp} or {@code udp}, and an {@link IpVersion}. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0} {1}")
@CsvSource({"tcp, V4", "tcp, V6", "udp, V4", "udp, V6"})
public @interface AllProtocols {}
