// SPDX-License-Identifier: Apache-2.0
/** Where benchmarks take place that need no lab. */
package io.sluice.bench.place;
