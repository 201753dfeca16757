// SPDX-License-Identifier: Apache-2.0
/** {@code sluice bench policy}. */
package io.sluice.bench.policy;
